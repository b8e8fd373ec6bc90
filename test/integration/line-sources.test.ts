import { describe, expect, it } from "vitest";
import { hasSent, startAppliance } from "../helpers/appliance.ts";
import { judgeRecording, steps } from "../helpers/judge.ts";
import { startNginxRtmp } from "../helpers/nginx.ts";
import { encodeH264 } from "../helpers/publish.ts";

describe("the line without a Spot", () => {
  it("plays a file to the ingest, over and over, without a step back in time", async () => {
    await using nginx = await startNginxRtmp();
    const path = await encodeH264({ seconds: 4, gop: 30 });
    await using appliance = await startAppliance({
      source: "file",
      file: { path, loop: true },
      outputs: [{ name: "main", url: nginx.url, streamKey: "file" }],
    });
    const status = await appliance.until("it has begun anew", hasSent(200), 60_000);
    expect(status.picture).toMatchObject({ width: 640, height: 360 });
    expect((await appliance.terminate()).code).toBe(0);
    const verdict = await judgeRecording(await nginx.recording("file"));
    expect(verdict.complaints).toEqual([]);
    expect(Math.min(...steps(verdict.video))).toBeGreaterThan(0);
    expect(verdict.audio.length).toBeGreaterThan(0);
  });
});

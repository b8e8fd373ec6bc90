import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { Secret } from "../../src/domain/secret.ts";
import { startIngest } from "../../src/simulator/ingest.ts";
import { judge } from "../helpers/publish.ts";

const run = promisify(execFile);
const never = new AbortController().signal;

it("the simulated ingest takes ffmpeg's stream, records it whole and finds its B-frames", async () => {
  const directory = await mkdtemp(join(tmpdir(), "spotlive-ingest-"));
  const recordTo = join(directory, "ffmpeg.flv");
  {
    await using ingest = await startIngest({ streamKey: new Secret("key"), recordTo }, never);
    await run("ffmpeg", [
      ...["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=5"],
      ...[
        "-f",
        "lavfi",
        "-i",
        "sine=duration=5",
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-bf",
        "2",
        "-g",
        "60",
      ],
      ...["-c:a", "aac", "-f", "flv", `${ingest.url}/key`],
    ]);
    const report = ingest.report();
    expect(report).toMatchObject({ connections: 1, frames: 150, timestampErrors: 0 });
    expect(report.idrSpacingMs.max).toBe(2000);
    expect(report.reorderedFrames).toBeGreaterThan(0);
    expect(report.remarks).toEqual([expect.stringContaining("B-frames")]);
  }
  const verdict = await judge(recordTo);
  expect(verdict.decoderErrors).toEqual([]);
  expect(verdict.video).toHaveLength(150);
  await rm(directory, { recursive: true });
});

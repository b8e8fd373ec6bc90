import { describe, expect, it } from "vitest";
import { hasSent, spotConfig, startAppliance, startRobotProcess } from "../helpers/appliance.ts";
import { isHolding, longestStill, smallPicture } from "../helpers/line.ts";
import { startWhipServer } from "../helpers/whip-server.ts";

const token = "bearer-canary-51c9";
const frameMs = 1000 / 30;

describe("the line to a WHIP server", () => {
  it("goes on in one session with the last picture while the camera is silent, and keeps the token to itself", async () => {
    await using server = await startWhipServer({ token });
    await using robot = await startRobotProcess({ ...smallPicture, idr: "periodic-or-pli" });
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      outputs: [{ name: "crowd", url: server.url, streamKey: token }],
    });
    await appliance.until("it is live", hasSent(120));
    await robot.command({ command: "silence", milliseconds: 3000 });
    const held = await appliance.until("the picture is held", isHolding);
    expect(held.outputs[0]).toMatchObject({ name: "crowd", state: "running" });
    await appliance.until("it is live again", ({ phase }) => phase === "live");
    const sent = (await appliance.status()).outputs[0]?.counters?.units ?? 0;
    await appliance.until("pictures flow", hasSent(sent + 90));
    await appliance.terminate();

    const pictures = server.pictures();
    const { numbers, complaints } = await server.judge();
    expect(complaints).toEqual([]);
    expect(numbers).not.toContain(undefined);
    expect(numbers.length).toBe(pictures.length);
    expect(longestStill({ numbers }) * frameMs).toBeGreaterThan(1500);
    const stepsMs = pictures
      .slice(1)
      .map(({ timestamp }, i) => ((timestamp - (pictures[i]?.timestamp ?? 0)) >>> 0) / 90);
    expect(Math.min(...stepsMs)).toBeGreaterThan(0);
    expect(Math.max(...stepsMs)).toBeLessThan(1000);
    expect(server.requests.map(({ method }) => method)).toEqual(["POST", "DELETE"]);
    expect(appliance.output()).not.toContain(token);
  });
});

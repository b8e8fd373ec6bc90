import { describe, expect, it } from "vitest";
import { isWithoutChromium } from "../helpers/chromium.ts";
import { openHlsViewer } from "../helpers/hls-viewer.ts";
import { reboot, startLine, timesOf, untilFlowing } from "../helpers/line.ts";
import { expectOneStream, expectSteadySegments } from "../helpers/one-stream.ts";

/** How long the robot is away. */
const awaySeconds = 60;
/** By hand: a file for what is seen meanwhile. */
const pictureFile = process.env["HOLD_PICTURE"];

// Beside each other: both begin at once, and the short one costs the other nothing while that waits for its robot.
describe.skipIf(isWithoutChromium).concurrent("a viewer at the live edge", () => {
  it("sees no stall while the robot reboots for a minute, in one broadcast", async () => {
    await using line = await startLine({ nginx: { hls: 150 } });
    const { nginx } = line;
    await using viewer = await openHlsViewer(nginx.hlsDirectory, "main.m3u8");
    await viewer.untilPlaying();
    await reboot(line, awaySeconds);
    if (pictureFile !== undefined) await viewer.screenshot(pictureFile);
    await untilFlowing(line, 60);
    await viewer.untilPlayed(10); // what came after the return too
    const report = await viewer.report();
    const segments = await nginx.segments("main");
    expect(report).toMatchObject({ stalls: [], jumps: [], errors: [], width: 640, height: 360 });
    expect(report.played).toBeGreaterThan(awaySeconds + 8);
    expect(report.frames.decoded).toBeGreaterThan(report.played * 29);
    expectSteadySegments(segments, 1);
    expect(segments.length).toBeGreaterThan((awaySeconds + 8) / 2);
    const verdict = await line.judge();
    expect(verdict.complaints).toEqual([]);
    expectOneStream(timesOf(verdict));
    expect(nginx.publishes).toHaveLength(1);
    if (pictureFile !== undefined) console.info(JSON.stringify(report), segments.join(" "));
  });

  it("sees one where nothing is held", async () => {
    await using line = await startLine({ nginx: { hls: true }, config: { hold: { max: 0 } } });
    await using viewer = await openHlsViewer(line.nginx.hlsDirectory, "main.m3u8");
    await viewer.untilPlaying();
    await line.robot.command({ command: "vanish" });
    await viewer.untilStalled();
    expect((await viewer.report()).stalls).toMatchObject([{ lasting: true }]);
  });
});

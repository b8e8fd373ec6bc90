import { describe, expect, it } from "vitest";
import { isWithoutChromium } from "../helpers/chromium.ts";
import { openHlsViewer } from "../helpers/hls-viewer.ts";
import { reboot, startLine, untilFlowing } from "../helpers/line.ts";

/** How long the robot is away; by hand with HOLD_SECONDS=60, and with HOLD_PICTURE for what is seen meanwhile. */
const awaySeconds = Number(process.env["HOLD_SECONDS"] ?? 20);
const pictureFile = process.env["HOLD_PICTURE"];

describe.skipIf(isWithoutChromium)("a viewer at the live edge", () => {
  it("sees no stall while the robot reboots", async () => {
    await using line = await startLine({ nginx: { hls: 120 } });
    const { nginx } = line;
    await using viewer = await openHlsViewer(nginx.hlsDirectory, "main.m3u8");
    await viewer.untilPlaying();
    await reboot(line, awaySeconds);
    if (pictureFile !== undefined) await viewer.screenshot(pictureFile);
    await untilFlowing(line, 60);
    await viewer.untilPlayed(10); // what came after the return too
    const report = await viewer.report();
    expect(report).toMatchObject({ stalls: [], jumps: [], errors: [], width: 640, height: 360 });
    expect(report.played).toBeGreaterThan(awaySeconds + 8);
    expect(report.frames.decoded).toBeGreaterThan(report.played * 29);
    expect(nginx.publishes).toHaveLength(1);
    if (pictureFile !== undefined)
      console.info(JSON.stringify(report), (await nginx.segments("main")).join(" "));
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

import { describe, expect, it } from "vitest";
import { hasSent, spotConfig, startAppliance, startRobotProcess } from "../helpers/appliance.ts";
import { judgeRecording } from "../helpers/judge.ts";
import { startNginxRtmp } from "../helpers/nginx.ts";
import { decode, findBeeps } from "../helpers/sound.ts";

/** Milliseconds at which the frame around the simulated picture turns white: one flash a second. */
async function findFlashes(file: string, times: readonly number[]): Promise<number[]> {
  const corner = "crop=iw/24:ih/18:0:ih*10/18,scale=1:1:flags=area,format=gray";
  const luma = await decode(file, "-fps_mode", "passthrough", "-vf", corner, "-f", "rawvideo");
  return times.filter((_, i) => i > 0 && (luma[i] ?? 0) > 200 && (luma[i - 1] ?? 255) <= 200);
}

describe("the camera's sound", () => {
  it("arrives with the picture of the same instant", async () => {
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess({ width: 640, height: 360, bitrate: 1_000_000 });
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      audio: "camera",
      outputs: [{ name: "main", url: nginx.url, streamKey: "sound" }],
    });
    await appliance.until("10 s are out", hasSent(300), 60_000);
    await appliance.terminate();
    const file = await nginx.recording("sound");
    const { video, complaints } = await judgeRecording(file);
    expect(complaints).toEqual([]);
    const flashes = await findFlashes(
      file,
      video.map(({ dts }) => dts),
    );
    const beeps = await findBeeps(file);
    expect(flashes.length).toBeGreaterThan(6);
    // The first second goes by arrival: the camera has not told its clock yet.
    for (const flash of flashes.slice(2)) {
      expect(Math.min(...beeps.map((beep) => Math.abs(beep - flash)))).toBeLessThan(45);
    }
  });
});

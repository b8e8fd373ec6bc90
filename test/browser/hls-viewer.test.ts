import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { isWithoutChromium } from "../helpers/chromium.ts";
import { ffmpeg } from "../helpers/collect.ts";
import { openHlsViewer } from "../helpers/hls-viewer.ts";
import { startNginxRtmp } from "../helpers/nginx.ts";

interface Publisher extends AsyncDisposable {
  /** Stops it where it stands, as a frozen robot would, or lets it go on. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
}

/** ffmpeg publishes a flat blue picture, 320x180, an IDR every two seconds, with silence. */
function publish(url: string): Publisher {
  const child = spawn(
    "ffmpeg",
    [
      ...["-v", "error", "-re", "-f", "lavfi", "-i", "color=c=0x2040c0:size=320x180:rate=30"],
      ...["-re", "-f", "lavfi", "-i", "anullsrc=channel_layout=stereo:sample_rate=48000"],
      ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p"],
      ...["-g", "60", "-keyint_min", "60", "-sc_threshold", "0", "-c:a", "aac", "-f", "flv", url],
    ],
    { stdio: "ignore" },
  );
  return {
    signal: (name) => void child.kill(name),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    },
  };
}

/** The colour in the middle of a picture file, and its size. */
async function lookAt(file: string): Promise<{ bytes: number; middle: number[] }> {
  const rgb = await ffmpeg(["-i", file, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]);
  const middle = (90 * 320 + 160) * 3;
  return { bytes: rgb.length, middle: [...rgb.subarray(middle, middle + 3)] };
}

describe.skipIf(isWithoutChromium)("the viewer in Chromium", () => {
  it("sees a steady stream without a stall", async () => {
    await using nginx = await startNginxRtmp({ hls: true });
    await using _publisher = publish(`${nginx.url}/steady`);
    await using viewer = await openHlsViewer(nginx.hlsDirectory, "steady.m3u8");
    await viewer.untilPlaying();
    await viewer.untilPlayed(15);
    const report = await viewer.report();
    expect(report).toMatchObject({ stalls: [], jumps: [], errors: [], width: 320, height: 180 });
    expect(report.frames.decoded).toBeGreaterThan(400);
  });

  it("sees a stall when the publisher freezes for longer than it has buffered, and plays on afterwards", async () => {
    await using nginx = await startNginxRtmp({ hls: true });
    await using publisher = publish(`${nginx.url}/frozen`);
    await using viewer = await openHlsViewer(nginx.hlsDirectory, "frozen.m3u8");
    await viewer.untilPlaying();
    publisher.signal("SIGSTOP");
    await Promise.all([sleep(12_000), viewer.untilStalled()]);
    const during = await viewer.report();
    publisher.signal("SIGCONT");
    await viewer.untilPlayed(3);
    const after = await viewer.report();
    expect(during.stalls).toMatchObject([{ lasting: true }]);
    expect(after.stalls).toMatchObject([{ lasting: false }]);
    // 12 s less what it had in its buffer, which is about 6 s at three segments behind the end.
    expect(after.stalls[0]?.lengthMs).toBeGreaterThan(3_000);
    expect(after.errors.map(({ details }) => details)).toContain("bufferStalledError");
  });

  it("keeps a picture of what is seen", async () => {
    const directory = await mkdtemp(join(tmpdir(), "spotlive-picture-"));
    await using _directory = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
    await using nginx = await startNginxRtmp({ hls: true });
    await using _publisher = publish(`${nginx.url}/blue`);
    await using viewer = await openHlsViewer(nginx.hlsDirectory, "blue.m3u8");
    await viewer.untilPlaying();
    const file = join(directory, "seen.png");
    await viewer.screenshot(file);
    const { bytes, middle } = await lookAt(file);
    expect(bytes).toBe(320 * 180 * 3);
    for (const [i, value] of [0x20, 0x40, 0xc0].entries()) {
      expect(Math.abs((middle[i] ?? 0) - value)).toBeLessThan(10);
    }
  });
});

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const sampleRate = 48_000;

/** Runs ffmpeg on a recording and gives what it writes to its standard output. */
export async function decode(file: string, ...options: readonly string[]): Promise<Buffer> {
  const { stdout } = await run("ffmpeg", ["-v", "error", "-i", file, ...options, "pipe:1"], {
    encoding: "buffer",
    maxBuffer: 256 * 1024 * 1024,
  });
  return stdout;
}

/** Milliseconds at which a beep begins after at least 300 ms of near silence. */
export async function findBeeps(file: string): Promise<number[]> {
  const sound = ["-ac", "1", "-ar", `${sampleRate}`, "-af", "aresample=async=1"];
  const pcm = await decode(file, ...sound, "-f", "s16le");
  const beeps: number[] = [];
  let lastLoud = Number.NEGATIVE_INFINITY;
  for (let i = 0; i * 2 + 1 < pcm.length; i += 1) {
    if (Math.abs(pcm.readInt16LE(i * 2)) < 700) continue;
    if (i - lastLoud > sampleRate * 0.3) beeps.push((i * 1000) / sampleRate);
    lastLoud = i;
  }
  return beeps;
}

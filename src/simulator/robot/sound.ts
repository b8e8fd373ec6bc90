import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../lib/atomic-file.ts";
import { startChild } from "../../lib/child.ts";

const loopSeconds = 10;
/** At 64 kbit/s without variation each packet of 20 ms has the same size, so the loop needs no container. */
const packetBytes = 160;
const packetsPerSecond = 50;

/** Time between two packets. */
export const soundPacketMs = 1000 / packetsPerSecond;

/**
 * Ten seconds of opus packets, 20 ms each, from the cache or encoded now: a low tone, and a beep at the start of each
 * second for as long as the picture flashes. Played round and round it has no seam.
 */
export async function loadSound(cacheDirectory: string, signal: AbortSignal): Promise<readonly Uint8Array[]> {
  const path = join(cacheDirectory, `tone-${loopSeconds}s.opus`);
  const length = loopSeconds * packetsPerSecond * packetBytes;
  const cached = await readFile(path).catch(() => undefined);
  if (cached?.length === length) return cut(cached);
  const bytes = (await encodeTone(signal)).subarray(0, length);
  await writeFileAtomic(path, bytes);
  return cut(bytes);
}

function cut(bytes: Buffer): readonly Uint8Array[] {
  return Array.from({ length: bytes.length / packetBytes }, (_, index) =>
    bytes.subarray(index * packetBytes, (index + 1) * packetBytes),
  );
}

async function encodeTone(signal: AbortSignal): Promise<Buffer> {
  const tone =
    `sine=frequency=1000:sample_rate=48000:samples_per_frame=96:duration=${loopSeconds},` +
    `volume='if(lt(mod(t,1),0.066),0.5,0.02)':eval=frame,aformat=channel_layouts=stereo`;
  await using child = await startChild(
    "ffmpeg",
    [
      ...["-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", tone, "-map", "0:a"],
      ...["-c:a", "libopus", "-vbr", "off", "-b:a", "64k", "-frame_duration", "20", "-f", "data", "pipe:1"],
    ],
    signal,
    { purpose: "making the simulated robot's sound" },
  );
  const parts: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => parts.push(part));
  await Promise.all([once(child.stdout, "end"), child.done]);
  return Buffer.concat(parts);
}

import { readFile, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { LoggedFrame } from "../../src/simulator/robot/frame-log.ts";

/** A file as it grew. */
export interface Growth {
  /** `performance.now()`. */
  readonly atMs: number;
  readonly bytes: number;
}

/** Watches a file grow, every `everyMs`, until the signal aborts. The list that it gives grows as well. */
export function watchGrowth(file: string, signal: AbortSignal, everyMs = 20): readonly Growth[] {
  const growth: Growth[] = [];
  void (async () => {
    while (!signal.aborted) {
      const size = await stat(file).then(
        ({ size }) => size,
        () => 0,
      );
      if (size !== growth.at(-1)?.bytes) growth.push({ atMs: performance.now(), bytes: size });
      await sleep(everyMs);
    }
  })();
  return growth;
}

/** One picture on its way from the camera into the ingest's recording, times in milliseconds of one clock. */
export interface Journey {
  readonly sentMs: number;
  readonly arrivedMs: number;
}

/** What a camera has logged, and `performance.now()` minus its clock, which is known but for an error. */
export interface CameraLog {
  readonly frames: readonly LoggedFrame[];
  readonly aheadMs: number;
  readonly errorMs: number;
}

/**
 * Gives the journey of each picture in a recording: when the camera sent it stands in the camera's log, under the
 * number that is drawn in the picture (`numbers`, as `judgeRecording` reads them); when it arrived, in how the file
 * grew, as nginx writes each message at once. Throws when a picture has no readable number or was never sent.
 */
export async function traceJourneys(
  file: string,
  numbers: readonly (number | undefined)[],
  growth: readonly Growth[],
  { frames, aheadMs, errorMs }: CameraLog,
): Promise<Journey[]> {
  const ends = pictureEnds(await readFile(file));
  if (numbers.length !== ends.length)
    throw new Error(`${numbers.length} pictures were decoded of ${ends.length}`);
  let [sent, grown] = [frames.length, growth.length - 1];
  // From the end, as numbers come again after some seconds, and when the last one arrived tells which one it was.
  const journeys = ends.toReversed().map((end, fromEnd) => {
    const index = ends.length - 1 - fromEnd;
    while ((growth[grown - 1]?.bytes ?? 0) >= end) grown -= 1;
    const arrivedMs = growth[grown]?.atMs ?? 0;
    const sentMs = (): number => (frames[sent]?.sentUs ?? 0) / 1000 + aheadMs;
    do sent -= 1;
    while (sent >= 0 && (frames[sent]?.number !== numbers[index] || sentMs() > arrivedMs + errorMs));
    if (sent < 0) throw new Error(`picture ${index} came from nowhere`);
    return { sentMs: sentMs(), arrivedMs };
  });
  return journeys.toReversed();
}

const fileHeaderLength = 13;
const tagHeaderLength = 11;
const videoTag = 9;

/** Where each picture of an FLV file ends (Adobe FLV specification 10.1, annex E.4). */
function pictureEnds(flv: Buffer): number[] {
  const ends: number[] = [];
  for (let at = fileHeaderLength; at + tagHeaderLength + 2 < flv.length;) {
    const end = at + tagHeaderLength + flv.readUIntBE(at + 1, 3);
    if (end > flv.length) break;
    if (flv[at] === videoTag && flv[at + tagHeaderLength + 1] === 1) ends.push(end);
    at = end + 4;
  }
  return ends;
}

import { Fault } from "../../src/domain/fault.ts";
import { checkMarks, writeMarks } from "./capacity.ts";
import type { Image } from "./image-file.ts";
import { judge } from "./judge.ts";
import { isFailure } from "./medium.ts";
import type { Medium } from "./medium.ts";
import type { Meter, Phase } from "./progress.ts";
import { readBack } from "./read-back.ts";
import type { Verdict } from "./verdict.ts";
import { writeImage } from "./write-image.ts";

export interface Outcome {
  readonly verdict: Verdict;
  /** Bytes per second, of the whole image, its flush included; undefined where it did not come to an end. */
  readonly writeRate?: number;
  readonly readRate?: number;
}

/** Below this a card is too slow to be pleasant, in bytes per second. */
export const slow = 5e6;

export type StartMeter = (phase: Phase, total: number) => Meter;

/**
 * Writes an image to a medium, reads all of it back and judges. Rejects with a `Fault` for anything that is neither the
 * card's, the reader's nor the image's, and with the signal's reason when it is stopped.
 */
export async function flash(
  medium: Medium,
  image: Image,
  signal: AbortSignal,
  startMeter: StartMeter,
): Promise<Outcome> {
  let [writeRate, readRate]: (number | undefined)[] = [];
  const conclude = (verdict: Verdict): Outcome => ({
    verdict,
    ...(writeRate !== undefined && { writeRate }),
    ...(readRate !== undefined && { readRate }),
  });
  try {
    const marks = await writeMarks(medium, image.bytes, signal);
    if ("kind" in marks) return conclude({ kind: "write-failed", failure: marks });
    const writing = startMeter("writing", image.bytes);
    const failure = await writeImage(medium, image, signal, writing.onBytes);
    if (isFailure(failure)) return conclude({ kind: "write-failed", failure });
    writeRate = writing.end();
    const reading = startMeter("reading back", image.bytes);
    const survey = await readBack(medium, image, signal, reading.onBytes);
    readRate = reading.end();
    const verdict = await judge(medium, image, survey, signal);
    if (verdict.kind !== "proven") return conclude(verdict);
    return conclude((await checkMarks(medium, image, marks, signal)) ?? verdict);
  } catch (error) {
    if (error instanceof Fault && error.code === "malformed")
      return conclude({ kind: "image-changed", text: error.message });
    throw error;
  }
}

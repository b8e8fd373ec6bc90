import type { Readable } from "node:stream";
import { Fault } from "../domain/fault.ts";
import { PictureAssembler } from "../media/flv-units.ts";
import { GdpReader } from "../media/gdp.ts";
import type { EncodedPicture } from "./encoder-runner.ts";

export interface OutputTimes {
  /** Milliseconds on the process's clock; what comes before is not to be shown. */
  readonly showFromMs: number;
  readonly idrSeconds: number;
}

export interface OutputHandlers {
  readonly take: (picture: EncodedPicture) => void;
  /** Called where an IDR should have come; the encoder gives one a little later. */
  readonly askForIdr: () => void;
}

/** Encoders count pictures from one IDR to the next: where those come slower than said, an IDR is asked for. */
const lateFactor = 1.1;

/**
 * Takes the pictures of one pipeline from the first IDR on that is to be shown. Resolves at the end of `output`, however
 * it comes, or when aborted; rejects with a `Fault` of code `malformed`.
 */
export async function readPictures(
  output: Readable,
  { showFromMs, idrSeconds }: OutputTimes,
  { take, askForIdr }: OutputHandlers,
  signal: AbortSignal,
): Promise<void> {
  const reader = new GdpReader();
  const assembler = new PictureAssembler();
  const lateMs = idrSeconds * 1000 * lateFactor;
  let hasBegun = false;
  let idrDueMs = showFromMs;
  try {
    for await (const chunk of output as AsyncIterable<Buffer>) {
      for (const { ptsMs, payload } of reader.push(chunk)) {
        if (signal.aborted) return;
        if (ptsMs < showFromMs) continue; // a decoder that shows what it was only to decode
        const picture = assembler.assemble(payload);
        const isLate = ptsMs >= idrDueMs;
        if (picture.keyframe || isLate) idrDueMs = ptsMs + lateMs;
        if (isLate && !picture.keyframe) askForIdr();
        hasBegun ||= picture.keyframe;
        if (hasBegun) take({ ptsMs, ...picture });
      }
    }
  } catch (error) {
    if (error instanceof Fault) throw error;
  }
}

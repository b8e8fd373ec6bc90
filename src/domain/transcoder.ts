import type { VideoUnit } from "./media.ts";
import type { Report } from "./status.ts";
import type { TranscodeTarget } from "./verdict.ts";

/** Decodes and encodes pictures anew; it keeps their times. */
export interface Transcoder {
  /** Takes one picture of the source. Never blocks and never throws. */
  push(unit: VideoUnit): void;
  /**
   * Keeps one encoder going, from the first picture it can begin with. Resolves when aborted; rejects with a `Fault`
   * when it dies or stalls (`child-failed`), or when there is no program at all that could be used (`child-missing`).
   */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Takes another bit rate, bits per second. True when every picture from now on is made with it; false when an encoder
   * runs that keeps the one it has: then it holds from the next run on.
   */
  setBitrate(bitsPerSecond: number): boolean;
  /** Resolves when all that was pushed so far has come out, after 500 ms at the latest: for going back to copy. */
  drain(): Promise<void>;
}

export interface TranscoderRequest {
  readonly target: TranscodeTarget;
  /** Steps by which less is encoded than the machine could, as it is hot or throttled: 0 to 3; 0 where absent. */
  readonly strain?: number;
  /** Takes the new pictures; must not block or throw. Their `ptsUs` strictly rises over all runs. */
  readonly emit: (unit: VideoUnit) => void;
  readonly report: Report;
  /** The source's parameter sets, seen before: one without IDR may not send them again. */
  readonly parameterSets?: { readonly sps: Uint8Array; readonly pps: Uint8Array };
  /**
   * The source's pictures from its newest IDR to its newest picture, which each new encoder is given first, so that the
   * current picture comes out at once; empty where there is no IDR. Without it a new one waits for the next IDR.
   */
  readonly gop?: () => readonly VideoUnit[];
}

export type CreateTranscoder = (request: TranscoderRequest) => Transcoder;

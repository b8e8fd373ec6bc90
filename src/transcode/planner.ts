import { availableParallelism } from "node:os";
import type { TranscodeTarget } from "../domain/verdict.ts";

/** How a target is to be reached on this machine. */
export interface TranscodePlan {
  readonly target: TranscodeTarget;
  /** The encoder's name in ffmpeg. */
  readonly encoder: "libx264";
  /** Threads of the encoder, each with a slice of the picture. */
  readonly threads: number;
}

const mostThreads = 4;

/** Chooses the encoder for a target: software, on all cores but the one that the live line needs. */
export function planTranscode(target: TranscodeTarget, cores = availableParallelism()): TranscodePlan {
  return { target, encoder: "libx264", threads: Math.max(1, Math.min(mostThreads, cores - 1)) };
}

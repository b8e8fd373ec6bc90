import { availableParallelism } from "node:os";
import type { FfmpegChain, GstreamerChain, ProvenChain } from "../domain/board.ts";
import type { TranscodeTarget } from "../domain/verdict.ts";
import { even, outputSize } from "./output-size.ts";
import type { PictureSize } from "./output-size.ts";

interface AnyPlan {
  /** What is asked for, within what this machine holds. */
  readonly target: TranscodeTarget;
  /** Threads of an encoder in software, each with a slice of the picture. */
  readonly threads: number;
  /** What is made smaller than was asked for, and why, for a person. */
  readonly note?: string;
}

/** Decoder, filters and encoder of one ffmpeg. */
export interface FfmpegPlan extends AnyPlan, Pick<FfmpegChain, "runner" | "decode" | "encode" | "frames"> {
  /** The device node of the `vaapi` kinds. */
  readonly device?: string;
}

/** Elements of one GStreamer pipeline, from H.264 access units to H.264 access units. */
export interface GstreamerPlan extends AnyPlan, Omit<GstreamerChain, "devices" | "v4l2" | "limits"> {}

/** How a target is to be reached on this machine. */
export type TranscodePlan = FfmpegPlan | GstreamerPlan;

/** What goes in: size, and pictures per second where that is known. */
export interface TranscodeInput {
  readonly size: PictureSize;
  readonly fps?: number;
}

const mostThreads = 4;
/** A camera's 30 pictures a second are measured as 29.9 or 30.4. */
const fpsTolerance = 1;

/**
 * Chooses how a target is reached: through the chain that was proven on this machine, at most at the size that it
 * held. Nothing proven yet: libx264 at the size asked for. Software leaves one core to the live line.
 */
export function planTranscode(
  target: TranscodeTarget,
  input: TranscodeInput,
  proven?: ProvenChain,
  cores = availableParallelism(),
): TranscodePlan {
  if (proven === undefined) return planSoftware(target, cores);
  const threads = threadsFor(cores);
  const { chain, device } = proven;
  const common = { ...stepDown(target, input, proven), threads };
  switch (chain.runner) {
    case "ffmpeg": {
      const { runner, decode, encode, frames } = chain;
      return { ...common, runner, ...(decode && { decode }), encode, frames, ...(device && { device }) };
    }
    case "gstreamer": {
      const { devices: _, v4l2: __, limits: ___, ...elements } = chain;
      return { ...common, ...elements };
    }
  }
}

/** libx264, whatever was asked for. */
export function planSoftware(target: TranscodeTarget, cores = availableParallelism()): FfmpegPlan {
  const encode = { codec: "libx264", options: {} };
  return { runner: "ffmpeg", encode, frames: "memory", target, threads: threadsFor(cores) };
}

const threadsFor = (cores: number): number => Math.max(1, Math.min(mostThreads, cores - 1));

/** Takes a target back to what was held, shape kept. */
function stepDown(
  target: TranscodeTarget,
  input: TranscodeInput,
  { holds, chain }: ProvenChain,
): Pick<AnyPlan, "target" | "note"> {
  const asked = outputSize(target, input.size);
  const share = Math.min(1, holds.width / asked.width, holds.height / asked.height);
  const size =
    share < 1 ? { width: even(asked.width * share), height: even(asked.height * share) } : undefined;
  const askedFps = Math.min(target.fps ?? Infinity, input.fps ?? Infinity);
  const fps =
    Number.isFinite(askedFps) && askedFps > holds.fps + fpsTolerance ? { fps: holds.fps } : undefined;
  const bitsPerSecond = Math.min(target.bitsPerSecond, holds.bitsPerSecond);
  const stepped = { ...target, ...size, ...fps, bitsPerSecond };
  if (size === undefined && fps === undefined) return { target: stepped };
  const shown = ({ width, height }: PictureSize): string => `${width}x${height}`;
  const note = `The picture is made ${shown(size ?? asked)}${fps === undefined ? "" : ` at ${holds.fps} pictures a second`}: ${shown(asked)}${Number.isFinite(askedFps) ? ` at ${Math.round(askedFps)}` : ""} is more than this machine encodes in time (chain ${chain.name}: ${shown(holds)} at ${holds.fps}).`;
  return { target: stepped, note };
}

import type { Chain, PictureLimits, ProvenChain, TranscodeClip } from "../domain/board.ts";
import { toFault } from "../domain/fault.ts";
import type { VideoUnit } from "../domain/media.ts";
import { nalType, typeOf } from "../media/h264.ts";
import { parseSps } from "../media/sps.ts";
import type { RunProgram } from "./run-program.ts";
import { clipFps, judgeClip } from "./test-clip.ts";

/** Sizes that are tried, largest first. */
const rungs = [1080, 720, 540, 360].map((height) => ({ width: (height * 16) / 9, height }));
/** Seconds of stream per second of time; the rest is for the live line and for hot days. */
const neededSpeed = 1.3;
/** One second of pictures must come back; the clip is half a second longer for what a chain keeps. */
const enough = clipFps;
/** Below it the worst picture is no picture of the original. x264 at these rates stays above 0.95. */
const leastSsim = 0.8;
const bitsPerPixel = 0.1;
const limits = { firstMs: 5000, allMs: 4000 } as const;

export type ChainVerdict =
  | { readonly kind: "proven"; readonly proven: ProvenChain }
  | { readonly kind: "rejected"; readonly reason: string };

export interface ChainTrial {
  readonly chain: Chain;
  readonly device?: string;
  readonly clip: readonly VideoUnit[];
  readonly transcode: TranscodeClip;
  readonly run: RunProgram;
}

/**
 * Sends the test clip through a chain at ever smaller sizes, until one is made fast enough; what comes out is decoded
 * and compared. A chain that dies, hangs or gives garbage is rejected at once. Takes at most 10 s for each size. Never
 * rejects the promise.
 */
export async function proveChain(trial: ChainTrial, signal: AbortSignal): Promise<ChainVerdict> {
  const { limits: most } = trial.chain;
  let slow = "It is trusted with no size that is tried.";
  for (const size of rungs.filter(({ width, height }) => width <= most.width && height <= most.height)) {
    const outcome = await tryAt(size, trial, signal).catch((error: unknown) => ({
      kind: "broken" as const,
      reason: toFault(error).message,
    }));
    if (outcome.kind === "broken") return { kind: "rejected", reason: outcome.reason };
    if (outcome.kind === "good") {
      const { speed, ssim } = outcome;
      const fps = Math.max(1, Math.min(most.fps, Math.floor((clipFps * speed) / neededSpeed)));
      const holds: PictureLimits = { ...size, fps, bitsPerSecond: most.bitsPerSecond };
      const { chain, device } = trial;
      return { kind: "proven", proven: { chain, ...(device && { device }), holds, speed, ssim } };
    }
    slow = `It is too slow: ${outcome.speed.toFixed(2)} times real time at ${size.width}x${size.height}, ${neededSpeed} are needed.`;
  }
  return { kind: "rejected", reason: slow };
}

type Outcome =
  | { readonly kind: "good"; readonly speed: number; readonly ssim: number }
  | { readonly kind: "slow"; readonly speed: number }
  | { readonly kind: "broken"; readonly reason: string };

async function tryAt(
  size: { readonly width: number; readonly height: number },
  { chain, device, clip, transcode, run }: ChainTrial,
  signal: AbortSignal,
): Promise<Outcome> {
  const pixels = size.width * size.height;
  const bitsPerSecond = Math.min(chain.limits.bitsPerSecond, Math.round(pixels * clipFps * bitsPerPixel));
  const assumed: ProvenChain = {
    chain,
    ...(device !== undefined && { device }),
    holds: { ...chain.limits, fps: Math.max(chain.limits.fps, clipFps) },
    speed: 1,
    ssim: 1,
  };
  const target = { ...size, bitsPerSecond, idrSeconds: 2, profile: "main" } as const;
  const { units, seconds } = await transcode({ chain: assumed, target, units: clip, enough, limits }, signal);
  const speed = Math.round(((units.length - 1) / clipFps / Math.max(seconds, 0.001)) * 100) / 100;
  if (units.length < enough)
    return seconds * 1000 < limits.allMs * 0.8
      ? broken(`It stopped after ${units.length} pictures of ${clip.length}: it hangs.`)
      : { kind: "slow", speed };
  const wrong = wrongTimes(units, clip) ?? wrongSize(units, size);
  if (wrong !== undefined) return broken(wrong);
  const likeness = await judgeClip(units, size, run);
  if (likeness.kind === "failed") return broken(`What it gives cannot be decoded: ${likeness.text}`);
  const [count, worst] = [likeness.ssim.length, Math.min(1, ...likeness.ssim)];
  if (count < units.length)
    return broken(`It gives garbage: of ${units.length} pictures ${count} can be decoded.`);
  if (worst < leastSsim)
    return broken(
      `It gives garbage: a picture is like its original by ${worst.toFixed(2)} only (SSIM, ${leastSsim} is needed).`,
    );
  return speed < neededSpeed ? { kind: "slow", speed } : { kind: "good", speed, ssim: worst };
}

const broken = (reason: string): Outcome => ({ kind: "broken", reason });

/** Each picture once, in order, none left out. */
function wrongTimes(units: readonly VideoUnit[], clip: readonly VideoUnit[]): string | undefined {
  const index = units.findIndex(({ ptsUs }, index) => Math.abs(ptsUs - (clip[index]?.ptsUs ?? -1)) > 2000);
  return index < 0 ? undefined : `Picture ${index + 1} is missing, doubled or in the wrong place.`;
}

function wrongSize(
  units: readonly VideoUnit[],
  size: { readonly width: number; readonly height: number },
): string | undefined {
  const sps = units[0]?.nalus.find((nalu) => typeOf(nalu) === nalType.sps);
  if (units[0]?.keyframe !== true || sps === undefined) return "It does not begin with an IDR picture.";
  const { width, height } = parseSps(sps);
  if (width === size.width && height === size.height) return undefined;
  return `It gives ${width}x${height} instead of ${size.width}x${size.height}.`;
}

import { even, outputSize } from "./output-size.ts";
import type { TranscodeInput, TranscodePlan } from "./planner.ts";

/** What is left of width and height, and of the rate, after so many steps. */
const steps = [
  { size: 1, fps: 1 },
  { size: 2 / 3, fps: 1 },
  { size: 1 / 2, fps: 1 },
  { size: 1 / 2, fps: 1 / 2 },
] as const;
/** Where nothing tells the rate. */
const usualFps = 30;

/**
 * Takes a plan down for a board that is hot or throttled: 1080p to 720p, 540p, and 540p at half the rate. The bit
 * rate stays, as it costs an encoder little.
 */
export function easePlan<Plan extends TranscodePlan>(
  plan: Plan,
  input: TranscodeInput,
  strain: number,
): Plan {
  const step = steps[Math.max(0, Math.min(steps.length - 1, strain))];
  if (step === undefined || strain <= 0) return plan;
  const full = outputSize(plan.target, input.size);
  const size = { width: even(full.width * step.size), height: even(full.height * step.size) };
  const fullFps = Math.min(plan.target.fps ?? Infinity, input.fps ?? Infinity);
  const fps = step.fps === 1 ? plan.target.fps : (Number.isFinite(fullFps) ? fullFps : usualFps) * step.fps;
  const rate = step.fps === 1 ? "" : " at half the rate";
  const why = `The picture is made ${size.width}x${size.height}${rate}, as this machine is hot or throttled.`;
  const note = plan.note === undefined ? why : `${plan.note} ${why}`;
  return { ...plan, target: { ...plan.target, ...size, ...(fps !== undefined && { fps }) }, note };
}

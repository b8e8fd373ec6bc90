import type { EncoderRunner, RunnerContext } from "./encoder-runner.ts";
import { createFfmpegRunner } from "./ffmpeg-runner.ts";
import { planSoftware } from "./planner.ts";
import type { TranscodePlan } from "./planner.ts";

/** The runner that a plan wants. */
export function createRunner(plan: TranscodePlan, context: RunnerContext): EncoderRunner {
  return createFfmpegRunner(plan.runner === "ffmpeg" ? plan : planSoftware(plan.target), context);
}

import type { EncoderRunner, RunnerContext } from "./encoder-runner.ts";
import { createFfmpegRunner } from "./ffmpeg-runner.ts";
import { createGstreamerRunner } from "./gstreamer-runner.ts";
import type { TranscodePlan } from "./planner.ts";

/** The runner that a plan wants. */
export function createRunner(plan: TranscodePlan, context: RunnerContext): EncoderRunner {
  switch (plan.runner) {
    case "ffmpeg":
      return createFfmpegRunner(plan, context);
    case "gstreamer":
      return createGstreamerRunner(plan, context);
  }
}

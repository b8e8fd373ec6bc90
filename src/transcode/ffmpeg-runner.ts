import { startChild } from "../lib/child.ts";
import { PictureAssembler } from "../media/flv-units.ts";
import { graceMs, purpose } from "./encoder-runner.ts";
import type { EncoderRunner, RunnerContext } from "./encoder-runner.ts";
import { flvPictures } from "./picture-writer.ts";
import type { FfmpegPlan } from "./planner.ts";
import { watchProgress } from "./progress.ts";
import { readTags } from "./read-tags.ts";
import { transcodeArguments } from "./video-arguments.ts";

/** The picture through ffmpeg. Another bit rate holds from the next process on. */
export function createFfmpegRunner(plan: FfmpegPlan, { priority }: RunnerContext): EncoderRunner {
  const options = { purpose, graceMs, extraPipe: true, ...(priority !== undefined && { priority }) };
  return {
    name: "ffmpeg",
    // libx264 is told the rate as an option of its own.
    writer: ({ fps }) => flvPictures(plan.encode.codec === "libx264" ? undefined : fps),
    async start(start, advance, signal) {
      const child = await startChild("ffmpeg", transcodeArguments(plan, start), signal, options);
      if (child.extra) watchProgress(child.extra, advance);
      const assembler = new PictureAssembler();
      return {
        ...child,
        read: (take, signal) =>
          readTags(child.stdout, signal, (tag) => {
            if (tag.kind === "avc-config") assembler.configure(tag);
            else if (tag.kind === "video") take({ ptsMs: tag.ptsMs, ...assembler.assemble(tag.avcc) });
          }),
      };
    },
  };
}

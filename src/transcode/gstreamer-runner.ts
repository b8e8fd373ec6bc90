import { gdpCaps, gdpHead, gdpPicture } from "../media/gdp.ts";
import type { ParameterSets } from "../media/h264.ts";
import { parseSps, profileName } from "../media/sps.ts";
import type { EncoderProcess, EncoderRunner, EncoderStart, RunnerContext } from "./encoder-runner.ts";
import { readPictures } from "./gstreamer-output.ts";
import { bitrateValue, describePipeline, gstreamerNames } from "./gstreamer-pipeline.ts";
import { startGstreamer } from "./gstreamer-process.ts";
import type { PictureWriter } from "./picture-writer.ts";
import type { GstreamerPlan } from "./planner.ts";

/** The picture through GStreamer, for hardware that ffmpeg does not reach. */
export function createGstreamerRunner(plan: GstreamerPlan, context: RunnerContext): EncoderRunner {
  return {
    name: "GStreamer",
    writer: ({ sourceFps }) => gdpPictures(sourceFps),
    start: (start, _advance, signal) => startProcess(plan, start, context, signal),
  };
}

async function startProcess(
  plan: GstreamerPlan,
  start: EncoderStart,
  context: RunnerContext,
  signal: AbortSignal,
): Promise<EncoderProcess> {
  const running = await startGstreamer(describePipeline(plan, start), context, signal);
  const askForIdr = (): void => running.tell({ type: "force-keyframe", sink: gstreamerNames.output });
  const { bitrate } = plan;
  const { idrSeconds } = plan.target;
  const { showFromMs } = start;
  return {
    ...running,
    read: (take, signal) =>
      readPictures(running.output, { showFromMs, idrSeconds }, { take, askForIdr }, signal),
    ...(bitrate !== undefined && {
      setBitrate: (bitsPerSecond: number) => {
        const [{ property }, value] = [bitrate, bitrateValue(bitrate, bitsPerSecond)];
        running.tell({ type: "set", element: gstreamerNames.encoder, property, value });
      },
    }),
  };
}

/** GStreamer's data protocol. The caps say all that decoders ask for, so that no parser is needed before them. */
function gdpPictures(fps: number): PictureWriter {
  const capsOf = ({ sps }: ParameterSets): string => {
    const facts = parseSps(sps);
    const profile = profileName(facts).toLowerCase().replaceAll(" ", "-");
    return [
      "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au, parsed=(boolean)true",
      `profile=(string)${profile}, level=(string)${facts.levelIdc / 10}`,
      `width=(int)${facts.width}, height=(int)${facts.height}`,
      `framerate=(fraction)${Math.round(fps * 1000)}/1000`,
    ].join(", ");
  };
  return {
    begin: (sets, showFromMs) => gdpHead(capsOf(sets), showFromMs),
    change: (sets) => gdpCaps(capsOf(sets)),
    picture: ({ avcc, keyframe }, { dtsMs, ptsMs }) => gdpPicture(avcc, keyframe, dtsMs, ptsMs),
  };
}

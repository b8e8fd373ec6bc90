import type { ProvenChain } from "../domain/board.ts";
import { createVideoTranscoder } from "./video.ts";
import type { VideoTranscoder, VideoTranscoderOptions } from "./video.ts";

/** Makes a transcoder for chains of one runner. */
export type CreateVideoTranscoder = (options: VideoTranscoderOptions) => VideoTranscoder;

/** The runners that this installation has; ffmpeg is always one. */
export interface Runners {
  /** Absent where GStreamer's add-on is not installed. */
  readonly gstreamer?: CreateVideoTranscoder;
}

/** Makes the transcoder whose runner the chain wants; ffmpeg where nothing is proven, or its runner is missing. */
export function createTranscoder(
  options: VideoTranscoderOptions,
  runners: Runners,
  chain: ProvenChain | undefined = options.chain?.(),
): VideoTranscoder {
  const create = chain?.chain.runner === "gstreamer" ? runners.gstreamer : undefined;
  return (create ?? createVideoTranscoder)(options);
}

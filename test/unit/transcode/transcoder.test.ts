import { describe, expect, it, vi } from "vitest";
import type { Chain, ProvenChain } from "../../../src/domain/board.ts";
import { createTranscoder } from "../../../src/transcode/transcoder.ts";
import type { CreateVideoTranscoder } from "../../../src/transcode/transcoder.ts";
import type { VideoTranscoderOptions } from "../../../src/transcode/video.ts";

const limits = { width: 1920, height: 1080, fps: 30, bitsPerSecond: 8e6 };
const common = { devices: [], v4l2: [], limits };
const nvv4l2: Chain = {
  ...{ ...common, name: "nvv4l2", runner: "gstreamer", caps: "video/x-raw", convert: [] },
  decode: [{ element: "nvv4l2decoder", properties: {} }],
  encode: [{ element: "nvv4l2h264enc", properties: {} }],
  bitrate: { property: "bitrate", bitsPerUnit: 1 },
};
const vaapi: Chain = {
  ...{ ...common, name: "vaapi", runner: "ffmpeg", frames: "vaapi" },
  encode: { codec: "h264_vaapi", options: {} },
};

function optionsWith(chain?: Chain): VideoTranscoderOptions {
  const proven: ProvenChain | undefined = chain && { chain, holds: limits, speed: 2, ssim: 0.99 };
  const target = { bitsPerSecond: 3e6, idrSeconds: 2, profile: "main" } as const;
  return { target, emit: () => {}, report: () => {}, chain: () => proven };
}

describe("the transcoder of a chain", () => {
  it.each([
    ["a GStreamer chain", nvv4l2, 1],
    ["an ffmpeg chain", vaapi, 0],
    ["nothing proven", undefined, 0],
  ])("is of the runner that %s wants", (_what, chain, calls) => {
    const gstreamer = vi.fn<CreateVideoTranscoder>((options) => createTranscoder(options, {}));
    createTranscoder(optionsWith(chain), { gstreamer });
    expect(gstreamer).toHaveBeenCalledTimes(calls);
  });

  it("is ffmpeg's, with libx264, where the GStreamer runner is missing", () => {
    expect(createTranscoder(optionsWith(nvv4l2), {}).counters.decoding).toBe(false);
  });
});

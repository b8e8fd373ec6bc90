import type { GstreamerChain, ProvenChain } from "../../src/domain/board.ts";
import { whyNoGstreamer } from "../../src/transcode/gstreamer-process.ts";

/** Software on one thread each for decoder and encoder, as a board's profile would have it. */
export const softwareChain: GstreamerChain = {
  ...{ name: "x264", runner: "gstreamer", devices: [], v4l2: [] },
  limits: { width: 1920, height: 1080, fps: 60, bitsPerSecond: 20_000_000 },
  decode: [{ element: "avdec_h264", properties: { "max-threads": 1 } }],
  convert: [
    { element: "videoconvert", properties: {} },
    { element: "videoscale", properties: {} },
  ],
  caps: "video/x-raw, pixel-aspect-ratio=1/1",
  encode: [
    {
      element: "x264enc",
      properties: {
        tune: "zerolatency",
        "speed-preset": "ultrafast",
        threads: 1,
        "key-int-max": "{gop}",
        "option-string": "scenecut=0",
        aud: false,
      },
    },
  ],
  bitrate: { property: "bitrate", bitsPerUnit: 1000 },
};

/** A chain that holds whatever is asked for, for `VideoTranscoderOptions`. */
export function provenChain(chain: GstreamerChain = softwareChain): { readonly chain: () => ProvenChain } {
  return { chain: () => ({ chain, holds: chain.limits, speed: 2, ssim: 0.99 }) };
}

/** Why tests that need the real GStreamer are skipped; never in CI, where it must be there. */
export const noGstreamer = await whyNoGstreamer(new AbortController().signal);
if (noGstreamer !== undefined) {
  if (process.env.CI !== undefined)
    throw new Error(`The GStreamer runner must be tested here. ${noGstreamer}`);
  console.warn(`The GStreamer runner is not tested. ${noGstreamer}`);
}

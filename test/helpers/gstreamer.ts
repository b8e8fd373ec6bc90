import type { GstreamerChain, ProvenChain } from "../../src/domain/board.ts";
import { whyNoGstreamer } from "../../src/transcode/gstreamer-process.ts";
import { temporaryFiles } from "./boards.ts";

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

/** A board of any kind: a chain in software, small enough for any machine, and one before it that no machine has. */
export const softwareProfile = `title: A board with GStreamer
verified: false
h264: { decoder: none, encoder: none }
match: { devices: [/dev/null] }
chains:
  - name: nothing
    runner: gstreamer
    decode: [{ element: avdec_h264 }]
    caps: video/x-raw
    encode: [{ element: nosuchenc, properties: { rate: "{bitrate}" } }]
    limits: { width: 640, height: 360, fps: 30, bitsPerSecond: 2000000 }
  - name: x264
    runner: gstreamer
    decode: [{ element: avdec_h264, properties: { max-threads: 1 } }]
    convert: [{ element: videoconvert }, { element: videoscale }]
    caps: video/x-raw, format=I420, pixel-aspect-ratio=1/1
    encode:
      - element: x264enc
        properties:
          tune: zerolatency
          speed-preset: ultrafast
          threads: "{threads}"
          key-int-max: "{gop}"
          option-string: scenecut=0
    encodedCaps: video/x-h264, profile=(string){profile}
    bitrate: { property: bitrate, bitsPerUnit: 1000 }
    limits: { width: 640, height: 360, fps: 30, bitsPerSecond: 2000000 }
`;

/** A chain that holds whatever is asked for, for `VideoTranscoderOptions`. */
export function provenChain(chain: GstreamerChain = softwareChain): { readonly chain: () => ProvenChain } {
  return { chain: () => ({ chain, holds: chain.limits, speed: 2, ssim: 0.99 }) };
}

const hook = `const { Module } = require("node:module");
const load = Module._load;
Module._load = (name, ...rest) => {
  if (name === "gstreamer-superficial") throw new Error("Cannot find module\\n'gstreamer-superficial'\\nRequire stack:\\n- here");
  return load(name, ...rest);
};`;

/** To the end of the block, programs of Node that are started find no add-on. */
export async function withoutAddon(): Promise<AsyncDisposable> {
  const files = await temporaryFiles({ "missing.cjs": hook });
  const { NODE_OPTIONS } = process.env;
  process.env.NODE_OPTIONS = `--require ${files.folder}/missing.cjs`;
  return {
    async [Symbol.asyncDispose]() {
      if (NODE_OPTIONS === undefined) delete process.env.NODE_OPTIONS;
      else process.env.NODE_OPTIONS = NODE_OPTIONS;
      await files[Symbol.asyncDispose]();
    },
  };
}

/** Why tests that need the real GStreamer are skipped; never in CI, where it must be there. */
export const noGstreamer = await whyNoGstreamer(new AbortController().signal);
if (noGstreamer !== undefined) {
  if (process.env.CI !== undefined)
    throw new Error(`The GStreamer runner must be tested here. ${noGstreamer}`);
  console.warn(`The GStreamer runner is not tested. ${noGstreamer}`);
}

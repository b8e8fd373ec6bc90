import { describe, expect, it } from "vitest";
import { loadProfiles } from "../../../src/boards/catalogue.ts";
import type { GstreamerChain } from "../../../src/domain/board.ts";
import type { TranscodeTarget } from "../../../src/domain/verdict.ts";
import type { EncoderStart } from "../../../src/transcode/encoder-runner.ts";
import { bitrateValue, describePipeline } from "../../../src/transcode/gstreamer-pipeline.ts";
import type { GstreamerPlan } from "../../../src/transcode/planner.ts";

const target: TranscodeTarget = { height: 720, bitsPerSecond: 4_500_000, idrSeconds: 2, profile: "main" };
const start: EncoderStart = {
  size: { width: 1920, height: 1080 },
  sourceFps: 30,
  fps: 30,
  showFromMs: 0,
  withoutIdr: false,
};

/** The chain of that name, as its board's file has it. */
async function planOf(board: string, name: string): Promise<GstreamerPlan> {
  const profiles = await loadProfiles();
  const chains = profiles.find(({ profile }) => profile.name === board)?.profile.chains ?? [];
  const chain = chains.find(
    (chain): chain is GstreamerChain => chain.runner === "gstreamer" && chain.name === name,
  );
  if (chain === undefined) throw new Error(`There is no chain ${name} for ${board}.`);
  return { ...chain, target, threads: 3 };
}
const jetsonNano = await planOf("jetson-nano", "nvv4l2");
const orinNano = await planOf("jetson-orin-nano", "nvdec-x264");
const raspberryPi = await planOf("raspberry-pi-4", "gstreamer-v4l2");

/** The parts that come from the plan. */
const middle = (plan: GstreamerPlan, more: Partial<EncoderStart> = {}): string[] =>
  describePipeline(plan, { ...start, ...more })
    .split(" ! ")
    .slice(2, -4);

describe("describePipeline", () => {
  it("describes a Jetson Nano's chain", () => {
    expect(middle(jetsonNano)).toEqual([
      `nvv4l2decoder enable-max-performance="true" disable-dpb="true"`,
      "nvvidconv",
      `capsfilter caps="video/x-raw(memory:NVMM), format=NV12, width=1280, height=720"`,
      `nvv4l2h264enc control-rate="1" preset-level="1" maxperf-enable="true" insert-sps-pps="true" insert-vui="true" ` +
        `iframeinterval="60" idrinterval="60" bitrate="4500000" name="encoder"`,
    ]);
  });

  it("describes an Orin Nano's chain, with an encoder in software that counts kilobits", () => {
    expect(middle(orinNano).slice(2)).toEqual([
      `capsfilter caps="video/x-raw, format=I420, width=1280, height=720"`,
      `x264enc tune="zerolatency" speed-preset="ultrafast" bframes="0" threads="3" key-int-max="60" ` +
        `option-string="scenecut=0" bitrate="4500" name="encoder"`,
      `capsfilter caps="video/x-h264, profile=(string)main"`,
    ]);
  });

  it("describes a Raspberry Pi's chain, controls and all", () => {
    expect(middle(raspberryPi)).toEqual([
      "v4l2h264dec",
      "v4l2convert",
      `capsfilter caps="video/x-raw, format=NV12, width=1280, height=720"`,
      `v4l2h264enc extra-controls="controls, video_bitrate=4500000, h264_i_frame_period=60" name="encoder"`,
      `capsfilter caps="video/x-h264, level=(string)4"`,
    ]);
  });

  it("reads and writes descriptors of the process, which block, and keeps the times", () => {
    const parts = describePipeline(jetsonNano, start).split(" ! ");
    expect(parts.slice(0, 2)).toEqual([`fdsrc fd="0" blocksize="65536"`, "gdpdepay"]);
    expect(parts.slice(-2)).toEqual([
      `gdppay crc-header="false"`,
      `fdsink name="output" fd="3" sync="false" async="false"`,
    ]);
  });

  it("leaves pictures out only where fewer are wanted than come", () => {
    expect(middle(raspberryPi, { fps: 15 }).slice(1, 3)).toEqual([
      `videorate drop-only="true"`,
      `capsfilter caps="video/x-raw(ANY), framerate=15000/1000"`,
    ]);
    expect(middle(raspberryPi, { fps: 15 }).at(-2)).toContain("h264_i_frame_period=30");
  });

  it("keeps a large number exact", () => {
    const target = { ...jetsonNano.target, bitsPerSecond: 123_456_789 };
    expect(middle({ ...jetsonNano, target }).at(-1)).toContain(`bitrate="123456789"`);
  });

  it("lets nothing out of a value", () => {
    const part = { element: "identity", properties: { name: `a" ! filesink location="b` } };
    expect(describePipeline({ ...jetsonNano, decode: [part] }, start)).toContain(
      String.raw`identity name="a\" ! filesink location=\"b" !`,
    );
  });

  it.each([
    ["an element", { element: "x ! filesink", properties: {} }, /names "x ! filesink"; expected letters/],
    ["a property", { element: "x", properties: { "a b": 1 } }, /names "a b"/],
    ["a backslash", { element: "x", properties: { a: "b\\" } }, /has b\\; expected a value without/],
    ["a placeholder", { element: "x", properties: { a: "{rate}" } }, /has {rate}; expected one of {width}, /],
  ])("refuses %s that cannot be", (_what, part, why) => {
    expect(() => describePipeline({ ...jetsonNano, decode: [part] }, start)).toThrow(
      expect.objectContaining({ code: "config-invalid", message: expect.stringMatching(why) }),
    );
  });
});

describe("bitrateValue", () => {
  it("is in the property's unit, and one that a C float can hold", () => {
    const bits = { property: "bitrate", bitsPerUnit: 1 };
    expect(bitrateValue(bits, 6_000_001)).toBe(6_000_001);
    expect(bitrateValue(bits, 123_456_789)).toBe(123_456_792);
    expect(bitrateValue({ ...bits, bitsPerUnit: 1000 }, 6_000_400)).toBe(6000);
  });
});

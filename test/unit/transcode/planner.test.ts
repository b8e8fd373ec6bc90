import { describe, expect, it } from "vitest";
import type { Chain, FfmpegChain, PictureLimits, ProvenChain } from "../../../src/domain/board.ts";
import { Fault } from "../../../src/domain/fault.ts";
import type { TranscodeTarget } from "../../../src/domain/verdict.ts";
import { planTranscode } from "../../../src/transcode/planner.ts";
import { Planning } from "../../../src/transcode/planning.ts";

const target: TranscodeTarget = { bitsPerSecond: 3e6, idrSeconds: 2, profile: "high" };
const input = { size: { width: 1920, height: 1080 }, fps: 30 };
const limits = { width: 1920, height: 1080, fps: 60, bitsPerSecond: 8e6 };
const software = { codec: "libx264", options: {} };
const ffmpeg: FfmpegChain = {
  name: "software",
  runner: "ffmpeg",
  devices: [],
  v4l2: [],
  limits,
  encode: software,
  frames: "memory",
};

function proven(holds: Partial<PictureLimits> = {}, chain: Chain = ffmpeg): ProvenChain {
  return { chain, holds: { ...limits, ...holds }, speed: 2, ssim: 0.99 };
}

describe("the plan of an encode", () => {
  it.each([
    [1, 1],
    [2, 1],
    [4, 3],
    [16, 4],
  ])("leaves one of %i cores to the live line: %i threads", (cores, threads) => {
    const plan = { runner: "ffmpeg", encode: software, frames: "memory", target, threads };
    expect(planTranscode(target, input, undefined, cores)).toEqual(plan);
    expect(planTranscode(target, input, proven(), cores)).toEqual(plan);
  });

  it("takes decoder, encoder and device of the proven chain", () => {
    const chain: FfmpegChain = {
      ...ffmpeg,
      name: "vaapi",
      encode: { codec: "h264_vaapi", options: { rc_mode: "CBR" } },
      frames: "vaapi",
    };
    const device = "/dev/dri/renderD129";
    expect(planTranscode(target, input, { ...proven({}, chain), device })).toMatchObject({
      runner: "ffmpeg",
      encode: chain.encode,
      frames: "vaapi",
      device,
    });
  });

  it("gives a GStreamer chain as its elements", () => {
    const nvdec = { element: "nvv4l2decoder", properties: {} };
    const nvenc = { element: "nvv4l2h264enc", properties: { "control-rate": 1 } };
    const chain: Chain = {
      ...{ name: "nvv4l2", runner: "gstreamer", devices: [], v4l2: [], limits },
      ...{ decode: [nvdec], convert: [], caps: "video/x-raw", encode: [nvenc] },
      bitrate: { property: "bitrate", bitsPerUnit: 1 },
    };
    const plan = planTranscode(target, input, proven({}, chain));
    expect(plan).toMatchObject({
      runner: "gstreamer",
      name: "nvv4l2",
      decode: [nvdec],
      encode: [nvenc],
      target,
    });
  });

  it("steps down to the size and rate that the machine holds, keeps the shape, and says so", () => {
    const plan = planTranscode(target, { ...input, fps: 60 }, proven({ width: 1280, height: 720, fps: 30 }));
    expect(plan.target).toMatchObject({ width: 1280, height: 720, fps: 30 });
    expect(plan.note).toContain("1280x720 at 30 pictures a second: 1920x1080 at 60 is more than");
    const narrow = planTranscode(
      target,
      { size: { width: 1440, height: 1080 } },
      proven({ width: 1280, height: 720 }),
    );
    expect(narrow.target).toMatchObject({ width: 960, height: 720 });
  });

  it("leaves alone what the machine holds, with a rate measured a little high, and caps the bits", () => {
    const small = { ...target, width: 640, height: 360 };
    const plan = planTranscode(small, { ...input, fps: 30.4 }, proven({ width: 1280, height: 720, fps: 30 }));
    expect(plan.target).toEqual(small);
    expect(plan.note).toBeUndefined();
    expect(planTranscode({ ...target, bitsPerSecond: 9e6 }, input, proven()).target.bitsPerSecond).toBe(8e6);
  });
});

describe("the plans of one transcoder", () => {
  const died = new Fault("child-failed", "It died.");
  const hardware: FfmpegChain = {
    ...ffmpeg,
    name: "v4l2m2m",
    encode: { codec: "h264_v4l2m2m", options: {} },
  };

  it("leaves hardware that dies twice for software, and says so once", () => {
    const said: string[] = [];
    const planning = new Planning({
      target,
      warn: (text) => said.push(text),
      chain: () => proven({}, hardware),
    });
    for (const codec of ["h264_v4l2m2m", "h264_v4l2m2m", "libx264", "libx264"]) {
      expect(planning.next(input)).toMatchObject({ encode: { codec } });
      planning.noteDeath(died);
    }
    expect(said).toEqual(["The encoder h264_v4l2m2m has failed 2 times: libx264 is used from now on."]);
  });

  it("forgives hardware that dies seldom", () => {
    const planning = new Planning({ target, warn: () => {}, chain: () => proven({}, hardware) });
    for (const minutes of [0, 11, 22]) {
      expect(planning.next(input)).toMatchObject({ encode: { codec: "h264_v4l2m2m" } });
      planning.noteDeath(died, minutes * 60_000_000);
    }
    expect(planning.next(input)).toMatchObject({ encode: { codec: "h264_v4l2m2m" } });
  });

  it("tells a step down once, and keeps the size whatever is proven, or dies, meanwhile", () => {
    const said: string[] = [];
    const board = { proven: proven({ width: 640, height: 360 }, hardware) };
    const planning = new Planning({ target, warn: (text) => said.push(text), chain: () => board.proven });
    const heights = Array.from({ length: 4 }, () => {
      const { height } = planning.next(input).target;
      board.proven = proven();
      planning.noteDeath(died);
      return height;
    });
    expect(heights).toEqual([360, 360, 360, 360]);
    expect(said).toEqual([expect.stringContaining("640x360"), expect.stringContaining("libx264 is used")]);
  });

  it("leaves hardware that cannot be used at once, and has that tried again; without software it is over", () => {
    const said: string[] = [];
    const planning = new Planning({
      target,
      warn: (text) => said.push(text),
      chain: () => proven({}, hardware),
    });
    planning.next(input);
    const unusable = new Fault("not-supported", "There is no such element.");
    expect(planning.noteDeath(unusable)).toMatchObject({ retryable: true, message: unusable.message });
    expect(said).toEqual(["The encoder h264_v4l2m2m cannot be used: libx264 is used from now on."]);
    expect(planning.next(input)).toMatchObject({ encode: software });
    expect(planning.noteDeath(unusable)).toBe(unusable);
  });

  it("takes another bit rate, at most the one that is held", () => {
    const planning = new Planning({ target, warn: () => {}, chain: () => proven() });
    const rate = (): number => planning.next(input).target.bitsPerSecond;
    expect(rate()).toBe(3e6);
    expect([planning.setBitrate(2e6), planning.target.bitsPerSecond, rate()]).toEqual([2e6, 2e6, 2e6]);
    expect([planning.setBitrate(9e6), planning.target.bitsPerSecond, rate()]).toEqual([8e6, 8e6, 8e6]);
  });

  it("stays without a proof that comes too late", () => {
    const board: { proven?: ProvenChain } = {};
    const planning = new Planning({ target, warn: () => {}, chain: () => board.proven });
    planning.next(input);
    board.proven = proven({ width: 640, height: 360 });
    expect(planning.next(input).target).toEqual(target);
  });
});

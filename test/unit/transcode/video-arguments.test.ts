import { describe, expect, it } from "vitest";
import type { TranscodeTarget } from "../../../src/domain/verdict.ts";
import { planSoftware } from "../../../src/transcode/planner.ts";
import type { FfmpegPlan } from "../../../src/transcode/planner.ts";
import { transcodeArguments } from "../../../src/transcode/video-arguments.ts";

const target: TranscodeTarget = {
  ...{ width: 1280, height: 720, bitsPerSecond: 3e6 },
  ...{ idrSeconds: 2, profile: "main" },
};
const start = {
  size: { width: 1920, height: 1080 },
  sourceFps: 30,
  fps: 30,
  showFromMs: 0,
  withoutIdr: false,
};

function argumentsOf(plan: Partial<FfmpegPlan>): readonly string[] {
  return transcodeArguments({ ...planSoftware(target, 4), ...plan }, start);
}
const lineOf = (plan: Partial<FfmpegPlan>): string => argumentsOf(plan).join(" ");
const input = "-fpsprobesize 0 -probesize 32 -analyzeduration 0";
const idr = "-force_key_frames expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+1.99))";
const output = "-fps_mode passthrough -copyts -flush_packets 1 -flvflags no_duration_filesize -f flv pipe:1";
const memoryFilters =
  "select='gte(t,-0.0005)',scale=1280:720:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=bilinear,pad=1280:720:-1:-1";

describe("the arguments of one ffmpeg", () => {
  it("are these for libx264", () => {
    expect(lineOf({})).toBe(
      [
        "-hide_banner -nostats -loglevel warning -progress pipe:3 -stats_period 0.5 -filter_threads 1 -loglevel error",
        `${input} -flags +low_delay -threads 1 -f flv -i pipe:0 -an -vcodec libx264`,
        `-filter:v ${memoryFilters},format=yuv420p`,
        "-preset ultrafast -tune zerolatency -threads 3 -bf 0 -profile:v main -coder cabac",
        "-b:v 3000000 -maxrate 3000000 -bufsize 3000000 -enc_time_base 1/1000 -x264-params fps=30000/1000",
        `-g 1073741824 -sc_threshold 0 -forced-idr 1 ${idr} ${output}`,
      ].join(" "),
    );
  });

  it("name the M2M decoder in front of the input, and the M2M encoder behind it", () => {
    const codec = { codec: "h264_v4l2m2m", options: {} };
    const line = lineOf({
      decode: codec,
      encode: { codec: "h264_v4l2m2m", options: { num_output_buffers: "8" } },
    });
    expect(line).toContain(`${input} -c:v h264_v4l2m2m -flags +low_delay -threads 1 -f flv -i pipe:0`);
    expect(line).toContain(`-vcodec h264_v4l2m2m -filter:v ${memoryFilters},format=yuv420p`);
    expect(line).toContain(
      `-num_output_buffers 8 -profile:v 77 -bf 0 -b:v 3000000 -maxrate 3000000 -bufsize 3000000 -enc_time_base 1/1000 -g 60 -bsf:v extract_extradata ${idr} ${output}`,
    );
    expect(line).not.toContain("x264");
  });

  it("keep pictures on the device from end to end with VAAPI", () => {
    const encode = { codec: "h264_vaapi", options: { rc_mode: "CBR", async_depth: "1" } };
    const line = lineOf({ encode, frames: "vaapi", device: "/dev/dri/renderD128" });
    expect(line).toContain(
      `${input} -init_hw_device vaapi=board:/dev/dri/renderD128 -hwaccel vaapi -hwaccel_device board -hwaccel_output_format vaapi -flags`,
    );
    expect(line).toContain("-filter:v select='gte(t,-0.0005)',scale_vaapi=w=1280:h=720:format=nv12 ");
    expect(line).toContain("-rc_mode CBR -async_depth 1 -profile:v 77");
  });

  it("send pictures up to the device for the encoder alone", () => {
    const encode = { codec: "h264_vaapi", options: {} };
    const line = lineOf({ encode, frames: "vaapi-upload", device: "/dev/dri/renderD128" });
    expect(line).toContain("-init_hw_device vaapi=board:/dev/dri/renderD128 -filter_hw_device board -flags");
    expect(line).toContain(`-filter:v ${memoryFilters},format=nv12,hwupload `);
    expect(line).not.toContain("-hwaccel ");
  });

  it.each([
    ["constrained-baseline", "578"],
    ["main", "77"],
    ["high", "100"],
  ] as const)("number the profile %s for hardware", (profile, number) => {
    const argv = argumentsOf({
      target: { ...target, profile },
      encode: { codec: "h264_v4l2m2m", options: {} },
    });
    expect(argv[argv.indexOf("-profile:v") + 1]).toBe(number);
  });
});

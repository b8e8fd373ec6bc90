import type { TranscodeTarget } from "../domain/verdict.ts";
import { ffmpegArguments } from "../lib/ffmpeg.ts";
import type { EncoderStart } from "./encoder-runner.ts";
import { outputSize } from "./output-size.ts";
import type { FfmpegPlan } from "./planner.ts";

const clockRate = 1000;
/** Half a picture or less: IDRs keep their distance although times are whole milliseconds. */
const idrToleranceSeconds = 0.01;
const unlimited = 2 ** 30;
/** The one name by which VAAPI's options know the device. */
const device = "board";

/**
 * The command line of one transcoder: FLV with video only on standard input, FLV on standard output, its progress on
 * descriptor 3. Nothing of the input is probed, as that costs seconds or the first GOP; each picture comes out before
 * the next one goes in, with the time it had.
 */
export function transcodeArguments(plan: FfmpegPlan, start: EncoderStart): readonly string[] {
  const { target } = plan;
  return ffmpegArguments((command) =>
    command
      .input("pipe:0")
      .inputOptions(
        "-progress",
        "pipe:3",
        "-stats_period",
        "0.5",
        "-filter_threads",
        "1",
        "-loglevel",
        "error",
      )
      .inputOptions("-fpsprobesize", "0", "-probesize", "32", "-analyzeduration", "0")
      .inputOptions(
        ...decoderOptions(plan),
        "-flags",
        decoderFlags(start.withoutIdr),
        "-threads",
        "1",
        "-f",
        "flv",
      )
      .output("pipe:1")
      .noAudio()
      .videoFilters(filters(plan, start))
      .videoCodec(plan.encode.codec)
      .outputOptions(...encoderOptions(plan, start))
      .outputOptions("-force_key_frames", idrPlaces(target.idrSeconds))
      .outputOptions("-fps_mode", "passthrough", "-copyts", "-flush_packets", "1")
      .outputOptions("-flvflags", "no_duration_filesize", "-f", "flv"),
  );
}

/** The decoder, and the device that it or the encoder works on. Nothing for software. */
function decoderOptions({ decode, frames, device: node = "" }: FfmpegPlan): readonly string[] {
  const opened = ["-init_hw_device", `vaapi=${device}:${node}`];
  const hardware = {
    memory: [],
    "vaapi-upload": [...opened, "-filter_hw_device", device],
    vaapi: [...opened, "-hwaccel", "vaapi", "-hwaccel_device", device, "-hwaccel_output_format", "vaapi"],
  }[frames];
  if (decode === undefined) return hardware;
  return [...hardware, "-c:v", decode.codec, ...listed(decode.options)];
}

function filters({ target, frames }: FfmpegPlan, start: EncoderStart): string[] {
  const { width, height } = outputSize(target, start.size);
  const selected = selection(start.showFromMs, target.fps);
  // ffmpeg 5.1 cannot letterbox on the device.
  if (frames === "vaapi") return [selected, `scale_vaapi=w=${width}:h=${height}:format=nv12`];
  return [
    selected,
    `scale=${width}:${height}:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=bilinear`,
    `pad=${width}:${height}:-1:-1`,
    ...(frames === "memory" ? ["format=yuv420p"] : ["format=nv12", "hwupload"]),
  ];
}

function encoderOptions(plan: FfmpegPlan, start: EncoderStart): readonly string[] {
  const rate = String(Math.round(plan.target.bitsPerSecond));
  const rates = ["-b:v", rate, "-maxrate", rate, "-bufsize", rate];
  return plan.encode.codec === "libx264"
    ? x264Options(plan, rates, start)
    : deviceOptions(plan, rates, start);
}

const x264Profiles = {
  "constrained-baseline": ["-profile:v", "baseline"],
  main: ["-profile:v", "main", "-coder", "cabac"],
  high: ["-profile:v", "high", "-coder", "cabac"],
} as const satisfies Record<TranscodeTarget["profile"], readonly string[]>;

function x264Options(
  { target, threads, encode }: FfmpegPlan,
  rates: readonly string[],
  { fps }: EncoderStart,
): readonly string[] {
  const { profile } = target;
  return [
    ...["-preset", "ultrafast", "-tune", "zerolatency", "-threads", String(threads), "-bf", "0"],
    ...listed(encode.options),
    ...x264Profiles[profile],
    ...rates,
    // Rate control goes by this rate, not by the times: to go by those, x264 would hold every picture back for one.
    ...["-enc_time_base", `1/${clockRate}`],
    ...["-x264-params", `fps=${Math.round(fps * 1000)}/1000${profile === "high" ? ":8x8dct=1" : ""}`],
    ...["-g", String(unlimited), "-sc_threshold", "0", "-forced-idr", "1"],
  ];
}

/** profile_idc and its constraint, as libavcodec numbers them: every encoder takes those, names only some do. */
const profileNumbers = { "constrained-baseline": 578, main: 77, high: 100 } as const satisfies Record<
  TranscodeTarget["profile"],
  number
>;

/**
 * Encoders in hardware. Their rate control goes by the rate that the input's metadata tells. IDRs are forced where they
 * are due; the GOP length is for a driver that does not hear. Parameter sets come in the stream, and FLV wants them in
 * front of it.
 */
function deviceOptions(
  { target, encode }: FfmpegPlan,
  rates: readonly string[],
  { fps }: EncoderStart,
): readonly string[] {
  return [
    ...listed(encode.options),
    ...["-profile:v", String(profileNumbers[target.profile]), "-bf", "0"],
    ...rates,
    ...["-enc_time_base", `1/${clockRate}`, "-g", String(Math.max(1, Math.round(fps * target.idrSeconds)))],
    ...["-bsf:v", "extract_extradata"],
  ];
}

const listed = (options: Readonly<Record<string, string>>): string[] =>
  Object.entries(options).flatMap(([name, value]) => [`-${name}`, value]);

/** Without an IDR the decoder would keep its pictures back until a whole refresh has passed. */
function decoderFlags(withoutIdr: boolean): string {
  return withoutIdr ? "+low_delay+output_corrupt" : "+low_delay";
}

/**
 * The first picture that ffmpeg encodes is an IDR, so what is not to be shown is left out before the encoder. For a
 * lower rate a picture is taken when it is due, or a quarter of a period before; register 0 holds when the next one is.
 */
function selection(showFromMs: number, fps: number | undefined): string {
  const shown = `gte(t,${(showFromMs - 0.5) / clockRate})`;
  if (fps === undefined) return `select='${shown}'`;
  const period = 1 / fps;
  const due = `gte(t,ld(0)-${period / 4})`;
  const next = `st(0,if(gte(t,ld(0)+${period}),t,ld(0))+${period})`;
  return `select='if(${shown}*${due},${next},0)'`;
}

function idrPlaces(idrSeconds: number): string {
  return `expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+${idrSeconds - idrToleranceSeconds}))`;
}

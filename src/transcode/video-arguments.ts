import type { TranscodeTarget } from "../domain/verdict.ts";
import { ffmpegArguments } from "../lib/ffmpeg.ts";
import type { TranscodePlan } from "./planner.ts";

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** What is known of the input when ffmpeg is started. */
export interface TranscodeStart {
  readonly size: PictureSize;
  /** Pictures per second that go into the encoder. */
  readonly fps: number;
  /** Milliseconds on ffmpeg's clock; pictures before it are decoded, but neither encoded nor shown. */
  readonly showFromMs: number;
  /** The first picture is no IDR. */
  readonly withoutIdr: boolean;
}

const clockRate = 1000;
/** Half a picture or less: IDRs keep their distance although times are whole milliseconds. */
const idrToleranceSeconds = 0.01;
const unlimited = 2 ** 30;

const profileOptions = {
  "constrained-baseline": ["-profile:v", "baseline"],
  main: ["-profile:v", "main", "-coder", "cabac"],
  high: ["-profile:v", "high", "-coder", "cabac"],
} as const satisfies Record<TranscodeTarget["profile"], readonly string[]>;

/**
 * The command line of one transcoder: FLV with video only on standard input, FLV on standard output, its progress on
 * descriptor 3. Nothing of the input is probed, as that costs seconds or the first GOP; each picture comes out before
 * the next one goes in, with the time it had.
 */
export function transcodeArguments(plan: TranscodePlan, start: TranscodeStart): readonly string[] {
  const { target, encoder, threads } = plan;
  const { bitsPerSecond, profile } = target;
  const rate = String(Math.round(bitsPerSecond));
  const { width, height } = outputSize(target, start.size);
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
      .inputOptions("-flags", decoderFlags(start.withoutIdr), "-threads", "1", "-f", "flv")
      .output("pipe:1")
      .noAudio()
      .videoFilters([
        selection(start.showFromMs, target.fps),
        `scale=${width}:${height}:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=bilinear`,
        `pad=${width}:${height}:-1:-1`,
        "format=yuv420p",
      ])
      .videoCodec(encoder)
      .outputOptions("-preset", "ultrafast", "-tune", "zerolatency", "-threads", String(threads), "-bf", "0")
      .outputOptions(...profileOptions[profile])
      .outputOptions("-b:v", rate, "-maxrate", rate, "-bufsize", rate)
      // Rate control goes by this rate, not by the times: to go by those, x264 would hold every picture back for one.
      .outputOptions("-enc_time_base", `1/${clockRate}`)
      .outputOptions(
        "-x264-params",
        `fps=${Math.round(start.fps * 1000)}/1000${profile === "high" ? ":8x8dct=1" : ""}`,
      )
      .outputOptions("-g", String(unlimited), "-sc_threshold", "0", "-forced-idr", "1")
      .outputOptions("-force_key_frames", idrPlaces(target.idrSeconds))
      .outputOptions("-fps_mode", "passthrough", "-copyts", "-flush_packets", "1")
      .outputOptions("-flvflags", "no_duration_filesize", "-f", "flv"),
  );
}

/** The size that the output has and keeps, whatever becomes of the input's: even, as 4:2:0 asks for. */
export function outputSize(
  target: Pick<TranscodeTarget, "width" | "height">,
  input: PictureSize,
): PictureSize {
  const { width, height } = target;
  const even = (value: number): number => Math.max(2, 2 * Math.round(value / 2));
  return {
    width: even(width ?? (height === undefined ? input.width : (height * input.width) / input.height)),
    height: even(height ?? (width === undefined ? input.height : (width * input.height) / input.width)),
  };
}

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

import { createReadStream } from "node:fs";
import type { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { Fault } from "../domain/fault.ts";
import type { Source } from "../domain/media.ts";
import type { Report } from "../domain/status.ts";
import { startChild } from "../lib/child.ts";
import { ffmpegArguments } from "../lib/ffmpeg.ts";
import { FfmpegSource, unsupported } from "./ffmpeg-source.ts";
import type { FfmpegRun } from "./ffmpeg-source.ts";

export interface FileSourceOptions {
  /** A file with H.264 in any container that ffmpeg reads, or a raw H.264 stream. */
  readonly path: string;
  /** Begins again at the end, its time going on. */
  readonly loop: boolean;
  readonly report: Report;
}

const purpose = "reading the file";
const stallMs = 10_000;

/**
 * A file at its own pace. AAC-LC at 44.1 or 48 kHz is passed on, other sound left out with a notice.
 * Faults from `run`: `source-unsupported` for a file that cannot be read or holds no H.264, `source-ended` at its end.
 */
export function createFileSource({ path, loop, report }: FileSourceOptions): Source {
  return new FfmpegSource({
    name: "file",
    purpose,
    stallMs,
    report,
    async prepare(signal) {
      const file = await probe(path, [], signal);
      if (file.format !== "h264") return readContainer(path, loop, file, report);
      // A raw stream holds its frame rate only where the SPS tells it; ffmpeg would guess 25.
      return readRaw(path, loop, await probe(path, ["-f", "h264", "-framerate", "30"], signal));
    },
  });
}

function readContainer(path: string, loop: boolean, { video, audio }: Probe, report: Report): FfmpegRun {
  const passAudio = audio?.codec === "aac";
  if (audio !== undefined && !passAudio) {
    const notice = `The sound of the file is left out: it is ${audio.codec}, and only AAC is passed on.`;
    report({ type: "notice", part: "file", severity: "warning", text: notice });
  }
  const argv = ffmpegArguments((command) =>
    command
      .input(`file:${path}`)
      .inputOptions("-nostdin", "-re", "-stream_loop", loop ? "-1" : "0")
      .output("pipe:1")
      .outputOptions("-map", `0:${video.index}`, ...(passAudio ? ["-map", `0:${audio.index}`] : []))
      .outputOptions(...copyToFlv),
  );
  return { argv };
}

/**
 * ffmpeg can neither time B-frames of a raw stream nor loop it, so the first is refused and the bytes go in over
 * standard input, again and again.
 */
function readRaw(path: string, loop: boolean, { video }: Probe): FfmpegRun {
  if (video.reorderedFrames > 0) {
    const text = "The file is a raw H.264 stream with B-frames, which holds no times to show them by.";
    throw new Fault("source-unsupported", `${text} Put it into an MP4 file.`);
  }
  const argv = ffmpegArguments((command) =>
    command
      .input("pipe:0")
      .inputOptions("-re", "-r", video.frameRate, "-f", "h264")
      .output("pipe:1")
      .outputOptions("-map", "0:v:0")
      .outputOptions(...copyToFlv),
  );
  return { argv, feed: (stdin, signal) => feedFile(path, loop, stdin, signal) };
}

const copyToFlv = ["-c", "copy", "-flush_packets", "1", "-flvflags", "no_duration_filesize", "-f", "flv"];

async function feedFile(path: string, loop: boolean, stdin: Writable, signal: AbortSignal): Promise<void> {
  do {
    const file = createReadStream(path);
    await pipeline(file, stdin, { end: false, signal });
    if (file.bytesRead === 0) break; // emptied under our hands
  } while (loop);
  stdin.end();
}

interface Probe {
  readonly format: string;
  readonly video: {
    readonly index: number;
    /** A fraction, "30000/1001". */
    readonly frameRate: string;
    readonly reorderedFrames: number;
  };
  readonly audio: { readonly index: number; readonly codec: string } | undefined;
}

/** Asks ffprobe what the file holds. Throws a `Fault`: `source-unsupported`, or `child-missing`. */
async function probe(path: string, options: readonly string[], signal: AbortSignal): Promise<Probe> {
  const entries = "format=format_name:stream=index,codec_type,codec_name,avg_frame_rate,has_b_frames";
  const argv = ["-v", "error", ...options, "-of", "json", "-show_entries", entries, `file:${path}`];
  await using child = await startChild("ffprobe", argv, signal, { purpose: "looking at the file" });
  let answer: unknown;
  try {
    const [output] = await Promise.all([text(child.stdout), child.done]);
    answer = JSON.parse(output);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Fault("source-unsupported", `The file ${path} cannot be used: ${reason}`, { cause: error });
  }
  const streams = listOf(fieldOf(answer, "streams"));
  const ofType = (type: string): unknown[] =>
    streams.filter((stream) => fieldOf(stream, "codec_type") === type);
  const videos = ofType("video");
  const video = videos.find((stream) => fieldOf(stream, "codec_name") === "h264");
  if (video === undefined) throw unsupported(textOf(videos[0], "codec_name") || "no", purpose);
  const frameRate = textOf(video, "avg_frame_rate");
  const [audio] = ofType("audio");
  return {
    format: textOf(fieldOf(answer, "format"), "format_name"),
    video: {
      index: Number(fieldOf(video, "index")),
      frameRate: /^[1-9]\d*\/[1-9]\d*$/.test(frameRate) ? frameRate : "30",
      reorderedFrames: Number(fieldOf(video, "has_b_frames")),
    },
    audio:
      audio === undefined
        ? undefined
        : { index: Number(fieldOf(audio, "index")), codec: textOf(audio, "codec_name") },
  };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown, name: string): string {
  const field = fieldOf(value, name);
  return typeof field === "string" ? field : "";
}

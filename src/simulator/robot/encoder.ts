import { toFault } from "../../domain/fault.ts";
import { startChild } from "../../lib/child.ts";
import type { Child } from "../../lib/child.ts";
import { FlvReader, splitAvcc } from "../../media/flv-reader.ts";
import type { FlvTag } from "../../media/flv-reader.ts";
import { nalType, typeOf } from "../../media/h264.ts";
import { aggregate, payloadsOfNalu } from "./rtp-payloads.ts";
import { codeColumns, codeRows, drawGrid, gridRows } from "./picture-code.ts";
import type { H264Profile, PictureSettings } from "./options.ts";

/** One encoded picture, already cut into RTP payloads. */
export interface EncodedPicture {
  readonly keyframe: boolean;
  /** An IDR, or a recovery point of a stream that is refreshed gradually: where the parameter sets are repeated. */
  readonly entry: boolean;
  readonly bytes: number;
  readonly payloads: readonly Uint8Array[];
  /** The parameter sets it needs, as one payload; the same object for all pictures of one encoder. */
  readonly parameterSets: Uint8Array;
}

/** What is drawn into one picture. */
export interface Drawing {
  readonly number: number;
  readonly screen: string;
  readonly flashing: boolean;
  /** Encode it as an IDR. */
  readonly idr: boolean;
}

/** Clock of the encoder's input; the lowest bit of a time tells ffmpeg's key frame expression what to do. */
const timeBase = 90_000;

const profileArguments: Record<H264Profile, readonly string[]> = {
  "constrained-baseline": ["-profile:v", "baseline"],
  main: ["-profile:v", "main", "-coder", "cabac"],
  high: ["-profile:v", "high", "-coder", "cabac"],
};

/**
 * The command line of one encoder. The grid comes on stdin, one raw picture of a few hundred bytes per frame, and is
 * enlarged; a test picture and a ball move inside its frame. One grid in, one picture out, at once and without B-frames.
 */
export function encoderArguments(settings: PictureSettings): readonly string[] {
  const { width, height, fps, bitrate } = settings;
  const left = evenly(width / codeColumns);
  const top = evenly((height * codeRows) / gridRows);
  const [innerWidth, innerHeight] = [width - 2 * left, evenly(height - top - height / gridRows)];
  const ball = evenly(height / 8);
  const graph = [
    `[0:v]scale=${width}:${height}:flags=neighbor[grid]`,
    `testsrc2=size=${innerWidth}x${innerHeight}:rate=${fps},format=yuv420p[inner]`,
    `color=c=orange:size=${ball}x${ball}:rate=${fps}:duration=${1 / fps},format=yuva420p,` +
      `geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='255*lte(hypot(X-W/2,Y-H/2),W/2)',loop=-1:1[ball]`,
    `[grid][inner]overlay=${left}:${top}:eval=init[picture]`,
    `[picture][ball]overlay=x='${left}+abs(mod(t*${evenly(innerWidth / 3)},${2 * (innerWidth - ball)})-${innerWidth - ball})'` +
      `:y='${top}+abs(mod(t*${evenly(innerHeight / 2)},${2 * (innerHeight - ball)})-${innerHeight - ball})'[out]`,
  ].join(";");
  const refresh =
    settings.idr === "refresh-only"
      ? ["-intra-refresh", "1", "-g", String(settings.refreshInterval)]
      : ["-g", String(2 ** 30)];
  return [
    ...["-hide_banner", "-loglevel", "error", "-filter_complex_threads", "1"],
    ...["-probesize", "32", "-analyzeduration", "0", "-f", "ivf", "-i", "pipe:0"],
    ...[
      "-filter_complex",
      graph,
      "-map",
      "[out]",
      "-vsync",
      "passthrough",
      "-enc_time_base",
      `1/${timeBase}`,
    ],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1", "-bf", "0"],
    ...["-sc_threshold", "0", ...refresh, ...(profileArguments[settings.profile] ?? [])],
    // Times in 1/90000 s would pass for the frame rate, and the bit rate be shared out over 90000 pictures a second.
    ...["-x264opts", `fps=${fps}:force-cfr=1${settings.profile === "high" ? ":8x8dct=1" : ""}`],
    ...["-b:v", String(bitrate), "-maxrate", String(bitrate), "-bufsize", String(Math.round(bitrate / 2))],
    ...["-forced-idr", "1", "-force_key_frames", `expr:mod(round(t*${timeBase}),2)`],
    ...["-f", "flv", "-flvflags", "no_duration_filesize", "-flush_packets", "1", "pipe:1"],
  ];
}

/** One running ffmpeg. Pictures come out in the order in which drawings went in. */
export interface Encoder extends AsyncDisposable {
  /** Drawings whose pictures have not come yet. */
  readonly pending: number;
  /** Resolves with the picture of this drawing; rejects with a `Fault` when the encoder dies first. */
  encode(drawing: Drawing): Promise<EncodedPicture>;
  /** Resolves when ffmpeg wants more input: for those who feed it faster than its pictures are needed. */
  drained(): Promise<void>;
}

/** Starts an encoder and waits until it has given its first picture, which is thrown away. */
export async function startEncoder(settings: PictureSettings, signal: AbortSignal): Promise<Encoder> {
  const child = await startChild("ffmpeg", encoderArguments(settings), signal, {
    purpose: "making the simulated robot's picture",
    graceMs: 500,
  });
  const encoder = makeEncoder(child, settings.fps);
  // Its time must be even: ffmpeg moves all times so that the first is 0.
  const warmUp = { number: 0, screen: "", flashing: false, idr: false };
  try {
    await encoder.encode(warmUp);
    return encoder;
  } catch (error) {
    await encoder[Symbol.asyncDispose]();
    throw error;
  }
}

function makeEncoder(child: Child, fps: number): Encoder {
  const waiting: { resolve(picture: EncodedPicture): void; reject(error: unknown): void }[] = [];
  const reader = new FlvReader();
  let parameterSets: Uint8Array = Buffer.alloc(0);
  let fed = 0;
  const take = (tag: FlvTag): void => {
    if (tag.kind === "avc-config") parameterSets = aggregate([...tag.sps, ...tag.pps]);
    else if (tag.kind === "video") waiting.shift()?.resolve(encodedPicture(tag, parameterSets));
  };
  const fail = (error: unknown): void => {
    for (const one of waiting.splice(0)) one.reject(error);
  };
  child.stdout.on("data", (bytes: Buffer) => {
    try {
      for (const tag of reader.push(bytes)) take(tag);
    } catch (error) {
      fail(error);
    }
  });
  child.done.then(() => fail(toFault("the simulated camera's encoder was stopped")), fail);
  child.stdin.write(ivfHeader());
  return {
    get pending() {
      return waiting.length;
    },
    encode(drawing) {
      const picture = new Promise<EncodedPicture>((resolve, reject) => waiting.push({ resolve, reject }));
      const time = Math.round((fed * timeBase) / fps / 2) * 2 + (drawing.idr ? 1 : 0);
      fed += 1;
      child.stdin.write(ivfFrame(time, drawGrid(drawing.number, drawing.screen, drawing.flashing)));
      return picture;
    },
    async drained() {
      if (child.stdin.writableNeedDrain) {
        await Promise.race([new Promise((resolve) => child.stdin.once("drain", resolve)), child.done]);
      }
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

function encodedPicture(tag: FlvTag & { kind: "video" }, parameterSets: Uint8Array): EncodedPicture {
  const nalus = splitAvcc(tag.avcc);
  return {
    keyframe: nalus.some((nalu) => typeOf(nalu) === nalType.idr),
    entry: tag.keyframe,
    bytes: tag.avcc.length,
    payloads: nalus.flatMap((nalu) => payloadsOfNalu(nalu)),
    parameterSets,
  };
}

function evenly(value: number): number {
  return Math.round(value / 2) * 2;
}

/** The head of an IVF file of raw planar YUV grids; unlike other raw formats IVF carries times. */
function ivfHeader(): Buffer {
  const header = Buffer.alloc(32);
  header.write("DKIF", 0, "latin1");
  header.writeUInt16LE(32, 6);
  header.write("I420", 8, "latin1");
  header.writeUInt16LE(codeColumns, 12);
  header.writeUInt16LE(gridRows, 14);
  header.writeUInt32LE(timeBase, 16);
  header.writeUInt32LE(1, 20);
  return header;
}

function ivfFrame(time: number, grid: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(grid.length, 0);
  head.writeBigUInt64LE(BigInt(time), 4);
  return Buffer.concat([head, grid]);
}

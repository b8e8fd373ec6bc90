import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Unit, VideoUnit } from "../../src/domain/media.ts";
import { nowUs } from "../../src/lib/clock.ts";
import { isSlice, nalType, typeOf } from "../../src/media/h264.ts";

const run = promisify(execFile);

export interface PictureOptions {
  readonly seconds?: number;
  readonly fps?: number;
  readonly size?: string;
  /** Bits per second. */
  readonly bitrate?: number;
  /** Frames from one IDR to the next. */
  readonly gop?: number;
}

/** Makes an H.264 Annex B file with ffmpeg, once for each set of options, and gives its path. */
export async function encodeH264(options: PictureOptions = {}): Promise<string> {
  const { seconds = 6, fps = 30, size = "640x360", bitrate = 1_000_000, gop = 60 } = options;
  const directory = join(tmpdir(), "spotlive-test-media");
  await mkdir(directory, { recursive: true });
  const name = `${size}-${fps}fps-${bitrate}-gop${gop}-${seconds}s.h264`;
  const file = join(directory, name);
  if (existsSync(file)) return file;
  const part = join(directory, `${process.pid}-${performance.now()}-${name}`);
  const source = `testsrc2=size=${size}:rate=${fps}:duration=${seconds}`;
  const noise = bitrate >= 4_000_000 ? ",noise=alls=12:allf=t" : "";
  await run("ffmpeg", [
    ...["-v", "error", "-f", "lavfi", "-i", `${source}${noise}`],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-bf", "0"],
    ...["-b:v", `${bitrate}`, "-maxrate", `${bitrate}`, "-bufsize", `${bitrate}`],
    ...["-g", `${gop}`, "-keyint_min", `${gop}`, "-sc_threshold", "0", "-f", "h264", part],
  ]);
  await rename(part, file);
  return file;
}

/** Reads an Annex B file without B-frames into pictures `1 / fps` seconds apart, the first one at time 0. */
export async function unitsFromAnnexB(file: string, fps: number): Promise<VideoUnit[]> {
  const units: VideoUnit[] = [];
  for (const nalus of splitAccessUnits(splitNalUnits(await readFile(file)))) {
    units.push(videoUnit(nalus, Math.round((units.length * 1_000_000) / fps)));
  }
  return units;
}

/** Makes the unit of one picture from its NAL units. */
export function videoUnit(nalus: readonly Uint8Array[], dtsUs: number): VideoUnit {
  const avcc = Buffer.concat(nalus.flatMap((nalu) => [lengthOf(nalu), nalu]));
  const keyframe = nalus.some((nalu) => typeOf(nalu) === nalType.idr);
  const times = { ptsUs: dtsUs, dtsUs, receivedUs: nowUs(), rtpTimestamp: 0 };
  return { kind: "video", ...times, keyframe, nalus, avcc, packets: [] };
}

function lengthOf(nalu: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(nalu.length);
  return length;
}

function splitNalUnits(stream: Buffer): Buffer[] {
  const startCode = Buffer.from([0, 0, 1]);
  const nalus: Buffer[] = [];
  let start = stream.indexOf(startCode) + 3;
  while (start < stream.length) {
    const next = stream.indexOf(startCode, start);
    let end = next < 0 ? stream.length : next;
    while (end > start && stream[end - 1] === 0) end -= 1;
    nalus.push(stream.subarray(start, end));
    start = next < 0 ? stream.length : next + 3;
  }
  return nalus;
}

/** A slice with first_mb_in_slice 0, or anything but a slice, begins a picture when the last one has slices. */
function splitAccessUnits(nalus: readonly Buffer[]): Buffer[][] {
  const pictures: Buffer[][] = [];
  let open: Buffer[] = [];
  let hasSlice = false;
  for (const nalu of nalus) {
    const slice = isSlice(typeOf(nalu));
    if (hasSlice && (!slice || ((nalu[1] ?? 0) & 0x80) !== 0)) {
      pictures.push(open);
      open = [];
      hasSlice = false;
    }
    open.push(nalu);
    hasSlice ||= slice;
  }
  if (hasSlice) pictures.push(open);
  return pictures;
}

/** Hands out units at the pace of their own times, `speed` times as fast, marked as received at that moment. */
export async function* paced(units: Iterable<Unit>, speed = 1): AsyncGenerator<Unit> {
  const startUs = nowUs();
  let firstUs: number | undefined;
  for (const unit of units) {
    firstUs ??= unit.ptsUs;
    const waitMs = ((unit.ptsUs - firstUs) / speed + startUs - nowUs()) / 1000;
    if (waitMs > 1) await sleep(waitMs);
    yield unit.kind === "video" ? { ...unit, receivedUs: nowUs() } : unit;
  }
}

/** The units again and again, with times that go on, without end. */
export function* looped(units: readonly VideoUnit[], fps: number): Generator<VideoUnit> {
  for (let count = 0; ; count += 1) {
    const unit = units[count % units.length];
    if (unit === undefined) return;
    const dtsUs = Math.round((count * 1_000_000) / fps);
    yield { ...unit, dtsUs, ptsUs: dtsUs };
  }
}

export interface Packet {
  readonly codec_type: string;
  readonly pts: number;
  readonly dts: number;
  readonly flags: string;
}

/** What ffprobe and ffmpeg find in a recorded file. */
export interface Verdict {
  readonly video: readonly Packet[];
  readonly audio: readonly Packet[];
  readonly codecs: readonly string[];
  /** Lines that ffmpeg prints while it decodes everything. */
  readonly decoderErrors: readonly string[];
}

export async function judge(file: string): Promise<Verdict> {
  const shown = ["-show_packets", "-show_streams", "-of", "json"];
  const probe = await run("ffprobe", ["-v", "error", ...shown, file], { maxBuffer: 1 << 28 });
  const found = JSON.parse(probe.stdout) as { packets: Packet[]; streams: { codec_name: string }[] };
  const decode = await run("ffmpeg", ["-v", "warning", "-threads", "1", "-i", file, "-f", "null", "-"]);
  return {
    video: found.packets.filter((packet) => packet.codec_type === "video"),
    audio: found.packets.filter((packet) => packet.codec_type === "audio"),
    codecs: found.streams.map((stream) => stream.codec_name),
    decoderErrors: decode.stderr.split("\n").filter((line) => line.trim() !== ""),
  };
}

/**
 * Writes H.264 as an FLV stream, as ffmpeg reads it from a pipe: no sound, no metadata but the rate.
 * Source: Adobe Flash Video File Format Specification 10.1, annex E.2 to E.4.
 */
import type { VideoUnit } from "../domain/media.ts";
import { avcHeaderLength, avcSequenceHeader, writeAvcHeader } from "./flv.ts";
import type { ParameterSets } from "./h264.ts";

const tagHeaderLength = 11;
const previousTagSizeLength = 4;
const videoTag = 9;
const scriptTag = 18;
const hasVideo = 1;
const maxCompositionMs = 0x7f_ffff;

/** The 9 bytes of the file header, which announce video only, and the size (0) of the tag before the first one. */
export function flvFileHeader(): Buffer {
  return Buffer.from([0x46, 0x4c, 0x56, 1, hasVideo, 0, 0, 0, 9, 0, 0, 0, 0]);
}

/** A whole tag with the AVC sequence header. `sps` holds at least 4 bytes; `dtsMs` as for `flvVideoTag`. */
export function flvSequenceHeaderTag({ sps, pps }: ParameterSets, dtsMs: number): Buffer {
  const body = avcSequenceHeader(sps, pps);
  const tag = emptyTag(body.length, dtsMs);
  tag.set(body, tagHeaderLength);
  return tag;
}

/**
 * A whole tag with one picture. `dtsMs` and `ptsMs` are whole milliseconds from 0 to 2^32 - 1, less than 2^23 apart;
 * the block of the picture is below 16 MiB.
 */
export function flvVideoTag(
  { avcc, keyframe }: Pick<VideoUnit, "avcc" | "keyframe">,
  dtsMs: number,
  ptsMs: number,
): Buffer {
  const tag = emptyTag(avcHeaderLength + avcc.length, dtsMs);
  const compositionMs = Math.max(-maxCompositionMs, Math.min(ptsMs - dtsMs, maxCompositionMs));
  writeAvcHeader(tag, tagHeaderLength, keyframe, compositionMs);
  tag.set(avcc, tagHeaderLength + avcHeaderLength);
  return tag;
}

/**
 * A whole metadata tag that tells the pictures per second and nothing else: an encoder that does its rate control by
 * them has no other way to know. Source: annex E.4.4.
 */
export function flvFrameRateTag(fps: number): Buffer {
  const body = Buffer.concat([
    Buffer.from([2, 0, 10]),
    Buffer.from("onMetaData"),
    Buffer.from([8, 0, 0, 0, 1, 0, 9]),
    Buffer.from("framerate"),
    Buffer.alloc(9),
    Buffer.from([0, 0, 9]),
  ]);
  body.writeDoubleBE(fps, body.length - 11);
  const tag = emptyTag(body.length, 0, scriptTag);
  tag.set(body, tagHeaderLength);
  return tag;
}

/** Head and tail of a tag around `length` bytes that are still to be written. */
function emptyTag(length: number, dtsMs: number, type = videoTag): Buffer {
  const tag = Buffer.allocUnsafe(tagHeaderLength + length + previousTagSizeLength);
  tag[0] = type;
  tag.writeUIntBE(length, 1, 3);
  tag.writeUIntBE(dtsMs & 0xff_ffff, 4, 3);
  tag[7] = (dtsMs >>> 24) & 0xff;
  tag.writeUIntBE(0, 8, 3); // stream
  tag.writeUInt32BE(tagHeaderLength + length, tagHeaderLength + length);
  return tag;
}

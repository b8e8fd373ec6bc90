import type { VideoUnit } from "../domain/media.ts";
import { flvFileHeader, flvFrameRateTag, flvSequenceHeaderTag, flvVideoTag } from "../media/flv-writer.ts";
import type { ParameterSets } from "../media/h264.ts";
import type { FedTimes } from "./picture-ledger.ts";

/** How the pictures that go into one process are put into bytes. Its methods are called in the order of the stream. */
export interface PictureWriter {
  /** The head of the stream. Pictures before `showFromMs` are to be decoded, but neither encoded nor shown. */
  begin(sets: ParameterSets, showFromMs: number): Buffer;
  /** Other parameter sets, which hold for the picture at `dtsMs` and those after it. */
  change(sets: ParameterSets, dtsMs: number): Buffer;
  picture(unit: VideoUnit, times: FedTimes): Buffer;
}

/**
 * FLV, as ffmpeg reads it; from when on pictures are shown stands in ffmpeg's arguments. `toldFps`: pictures per second
 * that the stream says of itself.
 */
export function flvPictures(toldFps?: number): PictureWriter {
  const rate = toldFps === undefined ? [] : [flvFrameRateTag(toldFps)];
  return {
    begin: (sets) => Buffer.concat([flvFileHeader(), ...rate, flvSequenceHeaderTag(sets, 0)]),
    change: (sets, dtsMs) => flvSequenceHeaderTag(sets, dtsMs),
    picture: (unit, { dtsMs, ptsMs }) => flvVideoTag(unit, dtsMs, ptsMs),
  };
}

import type { VideoUnit } from "../domain/media.ts";
import { joinAvcc } from "./flv-reader.ts";
import { nalType, typeOf } from "./h264.ts";
import { segmentUs } from "./segment-alignment.ts";
import { createSkipPictures } from "./skip-picture.ts";
import type { SkipPictures } from "./skip-picture.ts";

/** Where no skip pictures can be made: only that often does an IDR alone keep players from running dry. */
const idrAloneUs = 1_000_000;
const defaultFrameUs = 33_333;
/** Pictures that are closer together were moved, and those that are further apart had a pause between them. */
const shortestFrameUs = 4000;
const longestFrameUs = 1_000_000;
/** A machine that slept does not make up for it. */
const mostBehindUs = 5_000_000;
const smoothing = 16;
/** A camera's IDR this long after the last cut is the next one, where its clock is a little fast. */
const shortestSegmentUs = segmentUs * 0.75;

/** What goes on while nothing comes: the last picture, on the same clock. */
interface Frozen {
  readonly idr: VideoUnit;
  /** Absent where this stream's syntax is outside what they are made for. */
  readonly skip: SkipPictures | undefined;
  dtsUs: number;
  rtpTimestamp: number;
}

/**
 * Holds the last picture: all-skip P pictures at frame rate, which show the picture before them again, and the last
 * IDR exactly where an ingest's segment of 2 s is full; where such pictures cannot be made, the IDR alone every second. Every decoder tried takes it without
 * a word, and segments keep their length (docs/staying-live.md). Time is handed in.
 */
export class PictureHold {
  #last: VideoUnit | undefined;
  /** Where an ingest has cut last, as far as can be known. */
  #segmentStartUs = Number.NEGATIVE_INFINITY;
  #frameUs = defaultFrameUs;
  #frozen: Frozen | undefined;

  /** A picture has gone out. */
  note(unit: VideoUnit): void {
    const stepUs = unit.dtsUs - (this.#last?.dtsUs ?? unit.dtsUs);
    if (stepUs > shortestFrameUs && stepUs < longestFrameUs)
      this.#frameUs += (stepUs - this.#frameUs) / smoothing;
    if (unit.keyframe) this.#noteIdr(unit.dtsUs);
    this.#last = unit;
    this.#frozen = undefined;
  }

  /** Mean time from one picture to the next, microseconds. */
  get frameUs(): number {
    return this.#frameUs;
  }

  /** When the newest picture that was sent or given is decoded; pictures up to it come too late. */
  get lastUs(): number {
    return this.#frozen?.dtsUs ?? this.#last?.dtsUs ?? Number.NEGATIVE_INFINITY;
  }

  /** When the segment of the newest picture is full: an IDR from then on begins the next one. */
  get segmentEndUs(): number {
    return this.#segmentStartUs + segmentUs;
  }

  /**
   * Begins to hold. `idr` is the last whole IDR picture with its SPS and PPS. Gives why only IDR pictures will go out,
   * where that is so.
   */
  begin(idr: VideoUnit): string | undefined {
    const last = this.#last ?? idr;
    const skip = skipPicturesAfter(idr, last);
    this.#frozen = {
      idr,
      skip: typeof skip === "string" ? undefined : skip,
      dtsUs: last.dtsUs,
      rtpTimestamp: last.rtpTimestamp,
    };
    return typeof skip === "string" ? skip : undefined;
  }

  /** The pictures that are due until then, in order. Nothing before `begin`, and after the next `note`. */
  *take(untilUs: number, nowUs = untilUs): Generator<VideoUnit> {
    const frozen = this.#frozen;
    if (frozen === undefined) return;
    if (untilUs - frozen.dtsUs > mostBehindUs) this.#advance(frozen, untilUs - this.#stepUs(frozen));
    for (let dueUs = this.#dueUs(frozen); dueUs <= untilUs; dueUs = this.#dueUs(frozen)) {
      this.#advance(frozen, dueUs);
      yield this.#next(frozen, nowUs);
    }
  }

  #stepUs({ skip }: Frozen): number {
    return Math.round(skip === undefined ? idrAloneUs : this.#frameUs);
  }

  /** When the next picture is due: the one that is nearest to the end of the segment, exactly there. */
  #dueUs(frozen: Frozen): number {
    const stepUs = this.#stepUs(frozen);
    const dueUs = frozen.dtsUs + stepUs;
    const isNearest = frozen.skip !== undefined && Math.abs(this.segmentEndUs - dueUs) < stepUs / 2;
    return isNearest ? this.segmentEndUs : dueUs;
  }

  #noteIdr(dtsUs: number): void {
    if (dtsUs - this.#segmentStartUs > shortestSegmentUs) this.#segmentStartUs = dtsUs;
  }

  #advance(frozen: Frozen, toUs: number): void {
    frozen.rtpTimestamp = (frozen.rtpTimestamp + Math.round((toUs - frozen.dtsUs) * 0.09)) >>> 0;
    frozen.dtsUs = toUs;
  }

  #next(frozen: Frozen, nowUs: number): VideoUnit {
    const { idr, skip, dtsUs, rtpTimestamp } = frozen;
    const times = { ptsUs: dtsUs, dtsUs, rtpTimestamp, receivedUs: nowUs };
    if (skip === undefined || dtsUs >= this.segmentEndUs) {
      this.#noteIdr(dtsUs);
      skip?.follow(idr.nalus);
      return { ...idr, ...times };
    }
    const nalus = [skip.next()];
    return { kind: "video", ...times, keyframe: false, nalus, avcc: joinAvcc(nalus), packets: [] };
  }
}

/** Skip pictures that go on after `last`, or why there are none. */
function skipPicturesAfter(idr: VideoUnit, last: VideoUnit): SkipPictures | string {
  const sps = idr.nalus.find((nalu) => typeOf(nalu) === nalType.sps);
  const pps = idr.nalus.find((nalu) => typeOf(nalu) === nalType.pps);
  if (sps === undefined || pps === undefined) return "the last IDR picture has no parameter sets";
  if (last.ptsUs !== last.dtsUs) return "the stream has B-frames";
  const skip = createSkipPictures(sps, pps);
  if (typeof skip === "string") return skip;
  return skip.follow(idr.nalus) ?? skip.follow(last.nalus) ?? skip; // the IDR comes again between them
}

import type { AudioUnit, VideoUnit } from "../domain/media.ts";

/** An ingest cuts its segments at the first IDR that is this long after its last cut, microseconds. */
export const segmentUs = 2_000_000;
/**
 * Between two connections to the same camera its clock is anchored up to 60 ms apart, as measured. An IDR this much
 * early is moved; one this much late makes a segment that is no longer than by this.
 */
const slackUs = 150_000;
/** Sound follows the picture by this much with each unit: a tenth of a unit leaves no gap that is heard. */
const soundStepUs = 2000;

/**
 * Where the camera's stream goes on after a hold, so that the segment keeps its length in which it comes back. An IDR
 * that comes just before the segment is full would not be cut at, and the segment become twice as long: then
 * everything of the camera is moved by what is missing, until the next hold. An IDR that comes in the middle ends the
 * hold all the same, and when the segment is full, another one is asked for.
 */
export class SegmentAlignment {
  #movedUs = 0;
  #soundMovedUs = 0;
  /** When the segment is full that the return has left in the middle; undefined when there is none. */
  #endUs: number | undefined;

  /** A hold ends with an IDR at this time of the camera's; the segment that was held is full at `endUs`. */
  resume(idrUs: number, endUs: number): void {
    const earlyUs = endUs - idrUs;
    const isNear = earlyUs > 0 && earlyUs <= slackUs;
    const isInTheMiddle = earlyUs > slackUs && Math.abs(segmentUs - earlyUs) > slackUs;
    this.#movedUs = isNear ? earlyUs : 0;
    this.#endUs = isInTheMiddle ? endUs : undefined;
  }

  /** A hold begins, which ends the segment itself. */
  interrupt(): void {
    this.#endUs = undefined;
  }

  /** The broadcast has ended: the next one begins at the camera's own times. */
  reset(): void {
    this.#movedUs = this.#soundMovedUs = 0;
    this.#endUs = undefined;
  }

  /** Whether the segment is full, this picture does not end it, and one must be asked for that does. */
  isOverdue({ dtsUs, keyframe }: VideoUnit): boolean {
    if (this.#endUs === undefined || dtsUs < this.#endUs) return false;
    if (keyframe) this.#endUs = undefined;
    return !keyframe;
  }

  /** A picture of the camera at the time at which it is published. */
  video(unit: VideoUnit): VideoUnit {
    return moved(unit, this.#movedUs);
  }

  /** What `video` gave, at the camera's own time. */
  original(unit: VideoUnit): VideoUnit {
    return moved(unit, -this.#movedUs);
  }

  /** Sound of the camera at the time at which it is published: that of its picture, after a while. */
  audio(unit: AudioUnit): AudioUnit {
    const missingUs = this.#movedUs - this.#soundMovedUs;
    this.#soundMovedUs += Math.max(-soundStepUs, Math.min(soundStepUs, missingUs));
    return this.#soundMovedUs === 0 ? unit : { ...unit, ptsUs: unit.ptsUs + this.#soundMovedUs };
  }
}

function moved(unit: VideoUnit, byUs: number): VideoUnit {
  return byUs === 0 ? unit : { ...unit, ptsUs: unit.ptsUs + byUs, dtsUs: unit.dtsUs + byUs };
}

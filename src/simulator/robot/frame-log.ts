import type { Frame } from "./viewer.ts";

/** One frame as it was sent. */
export interface LoggedFrame {
  /** As it is drawn in the picture. */
  readonly number: number;
  readonly keyframe: boolean;
  readonly bytes: number;
  /** Media time, seconds of the camera's clock. */
  readonly seconds: number;
  /** When it was sent, microseconds of this process's monotonic clock. */
  readonly sentUs: number;
}

const mostFrames = 20_000;

/** Remembers the newest frames, and counts all. */
export class FrameLog {
  frames = 0;
  idrFrames = 0;
  #frames: LoggedFrame[] = [];

  add({ number, seconds, picture }: Frame, sentUs: number): void {
    const { keyframe, bytes } = picture;
    this.frames += 1;
    if (keyframe) this.idrFrames += 1;
    this.#frames.push({ number, keyframe, bytes, seconds, sentUs });
    if (this.#frames.length >= 2 * mostFrames) this.#frames = this.#frames.slice(-mostFrames);
  }

  get newest(): readonly LoggedFrame[] {
    return this.#frames.slice(-mostFrames);
  }
}

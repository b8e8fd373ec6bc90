import type { Unit } from "../domain/media.ts";
import type { QueueCounters } from "../domain/status.ts";

export interface QueueLimits {
  /** Most bytes of payload that may wait. */
  readonly bytes: number;
  /** Longest time, in milliseconds, between the oldest and the newest waiting picture. */
  readonly milliseconds: number;
}

/**
 * A bounded queue between one writer that must never wait (the camera) and one reader that may (an output).
 * When it is full, the whole waiting tail and everything up to the next keyframe is dropped and counted, so that the
 * reader never sees a picture whose reference is missing. Audio units are dropped only with the tail.
 *
 * Invariants: `push` never blocks and never throws; after `close` the reader gets what waits, then the end.
 */
export class UnitQueue implements AsyncIterable<Unit> {
  readonly #limits: QueueLimits;
  readonly #onOverflow: () => void;
  #waiting: Unit[] = [];
  #bytes = 0;
  #dropped = 0;
  #needsKeyframe = true;
  /** What comes before the first keyframe cannot be shown, so nothing is lost with it. */
  #begun = false;
  #closed = false;
  #wake: (() => void) | undefined;

  /** `onOverflow` is called once for each overflow: the moment to ask the camera for a keyframe. */
  constructor(limits: QueueLimits, onOverflow: () => void = () => {}) {
    this.#limits = limits;
    this.#onOverflow = onOverflow;
  }

  push(unit: Unit): void {
    if (this.#closed) return;
    if (unit.kind === "video") {
      if (unit.keyframe) {
        this.#needsKeyframe = false;
        this.#begun = true;
      } else if (this.#needsKeyframe) {
        if (this.#begun) this.#dropped += 1;
        return;
      }
    } else if (this.#needsKeyframe) return;
    this.#waiting.push(unit);
    this.#bytes += sizeOf(unit);
    if (this.#bytes > this.#limits.bytes || this.#milliseconds() > this.#limits.milliseconds)
      this.#overflow(unit);
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  get counters(): QueueCounters {
    return {
      units: this.#waiting.length,
      bytes: this.#bytes,
      milliseconds: this.#milliseconds(),
      droppedUnits: this.#dropped,
    };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Unit> {
    for (;;) {
      const unit = this.#waiting.shift();
      if (unit !== undefined) {
        this.#bytes -= sizeOf(unit);
        yield unit;
      } else if (this.#closed) return;
      else {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
      }
    }
  }

  /** The newest keyframe is the best place to go on from; without one, everything goes and the next one is awaited. */
  #overflow(newest: Unit): void {
    const keep = newest.kind === "video" && newest.keyframe ? [newest] : [];
    for (const unit of this.#waiting) if (unit.kind === "video" && unit !== keep[0]) this.#dropped += 1;
    this.#waiting = keep;
    this.#bytes = keep.reduce((sum, unit) => sum + sizeOf(unit), 0);
    this.#needsKeyframe = keep.length === 0;
    this.#onOverflow();
  }

  /** Pictures alone: the last sound before a pause comes out of its encoder together with the first one after it. */
  #milliseconds(): number {
    const [oldest, newest] = [this.#waiting.find(isPicture), this.#waiting.findLast(isPicture)];
    return oldest === undefined || newest === undefined ? 0 : (newest.ptsUs - oldest.ptsUs) / 1000;
  }
}

const isPicture = ({ kind }: Unit): boolean => kind === "video";

function sizeOf(unit: Unit): number {
  return unit.kind === "video" ? unit.avcc.length : unit.payload.length;
}

import type { Unit, VideoUnit } from "../domain/media.ts";
import type { QueueCounters } from "../domain/status.ts";
import { UnitQueue } from "../lib/queue.ts";
import type { QueueLimits } from "../lib/queue.ts";
import { GopCache } from "./gop-cache.ts";

/** What one reader holds: iterating begins the subscription; leaving the loop, or `leave`, ends it. */
export interface Subscription extends AsyncIterable<Unit> {
  readonly counters: QueueCounters;
  /** Ends the subscription of a reader that still waits for the next unit. */
  leave(): void;
}

export interface SubscriptionHooks {
  /** The reader cannot begin or go on without a new keyframe. */
  wantKeyframe(): void;
  /** The reader has begun to iterate: its destination accepts pictures. */
  onBegin(): void;
}

/**
 * One writer, many readers. The writer never waits: each reader has a bounded queue of its own, so a reader that
 * hangs harms nobody. A new reader begins with the current GOP where that is short enough to be caught up with.
 */
export class Hub {
  readonly #cache: GopCache;
  readonly #queues = new Set<UnitQueue>();
  readonly #waiters = new Set<() => void>();

  constructor(cache: GopCache = new GopCache()) {
    this.#cache = cache;
  }

  publish(unit: Unit): void {
    this.#cache.push(unit);
    for (const queue of this.#queues) queue.push(unit);
    if (this.hasPicture) for (const wake of this.#waiters) wake();
  }

  get hasPicture(): boolean {
    return !this.#cache.isEmpty;
  }

  /** Resolves when there is a picture for a new reader to begin with, or at the abort. */
  async untilPicture(signal: AbortSignal): Promise<void> {
    if (this.hasPicture || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.add(resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    this.#waiters.delete(resolve);
  }

  /** Copies of everything since the last keyframe. */
  get gop(): readonly Unit[] {
    return this.#cache.units;
  }

  /** A copy of the keyframe that a new reader would begin with. */
  get keyframe(): VideoUnit | undefined {
    return this.#cache.keyframe;
  }

  /** Ends every subscription after what waits, and begins anew with the next keyframe. */
  end(): void {
    this.#cache.clear();
    for (const queue of this.#queues) queue.close();
  }

  subscribe(limits: QueueLimits, hooks: SubscriptionHooks): Subscription {
    const queues = this.#queues;
    const cache = this.#cache;
    let droppedBefore = 0;
    let current: UnitQueue | undefined;
    return {
      get counters() {
        const counters = current?.counters ?? { units: 0, bytes: 0, milliseconds: 0, droppedUnits: 0 };
        return { ...counters, droppedUnits: droppedBefore + counters.droppedUnits };
      },
      leave() {
        current?.close();
      },
      async *[Symbol.asyncIterator]() {
        hooks.onBegin();
        const queue = new UnitQueue(limits, hooks.wantKeyframe);
        if (cache.milliseconds <= limits.milliseconds) for (const unit of cache.units) queue.push(unit);
        if (queue.counters.units === 0) hooks.wantKeyframe();
        queues.add(queue);
        current = queue;
        try {
          yield* queue;
        } finally {
          queues.delete(queue);
          queue.close();
          droppedBefore += queue.counters.droppedUnits;
          if (current === queue) current = undefined;
        }
      },
    };
  }
}

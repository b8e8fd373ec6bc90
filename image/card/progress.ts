import { nowUs } from "../../src/lib/clock.ts";
import type { OnBytes } from "./blocks.ts";
import { duration, gigabytes, rate } from "./words.ts";

export type Phase = "checking" | "writing" | "reading back";

/** Counts one phase. */
export interface Meter {
  readonly onBytes: OnBytes;
  /** Ends the phase and gives its rate, in bytes per second. */
  end(): number;
}

/** How far a phase is. */
export interface Progress {
  readonly phase: Phase;
  readonly bytes: number;
  /** 0 where it is not known. */
  readonly total: number;
  readonly bytesPerSecond: number;
  readonly secondsLeft?: number;
  readonly isEnd: boolean;
}

/** Tells progress at most every `everyMs` milliseconds, and at the end. */
export function startMeter(
  phase: Phase,
  total: number,
  everyMs: number,
  tell: (progress: Progress) => void,
  now: () => number = nowUs,
): Meter {
  const beganAt = now();
  let [bytes, toldAt] = [0, beganAt];
  const report = (isEnd: boolean): number => {
    const seconds = (now() - beganAt) / 1e6;
    const bytesPerSecond = seconds > 0 ? bytes / seconds : 0;
    const secondsLeft = total > 0 && bytesPerSecond > 0 ? (total - bytes) / bytesPerSecond : undefined;
    tell({ phase, bytes, total, bytesPerSecond, ...(secondsLeft !== undefined && { secondsLeft }), isEnd });
    return bytesPerSecond;
  };
  return {
    onBytes(done) {
      bytes = done;
      if (now() - toldAt < everyMs * 1000) return;
      toldAt = now();
      report(false);
    },
    end: () => report(true),
  };
}

/** One line: "writing: 1.2 of 3.1 GB, 38 %, 21.4 MB/s, 1 min 29 s left". */
export function progressText({ phase, bytes, total, bytesPerSecond, secondsLeft, isEnd }: Progress): string {
  const speed = rate(bytesPerSecond);
  if (isEnd) return `${phase}: ${gigabytes(bytes)} done, ${speed}`;
  if (secondsLeft === undefined) return `${phase}: ${gigabytes(bytes)}, ${speed}`;
  const percent = Math.floor((100 * bytes) / total);
  return `${phase}: ${gigabytes(bytes)} of ${gigabytes(total)}, ${percent} %, ${speed}, ${duration(secondsLeft)} left`;
}

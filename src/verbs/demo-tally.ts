import type { Report, StatusEvent } from "../domain/status.ts";

/** What a demo's events amount to. */
export interface DemoSums {
  /** Bit rate asked of the camera, bits per second: the least, and the last; undefined where it was never asked. */
  readonly target: { readonly min: number; readonly final: number } | undefined;
  /** Longest time that a picture waited on this side, milliseconds. */
  readonly queueMs: number;
  /** Whether any picture was decoded. */
  readonly decoded: boolean;
}

/** Sums events up. */
export function createDemoTally(): { readonly note: Report; sums(): DemoSums } {
  const targets: number[] = [];
  let queueMs = 0;
  let decoded = false;
  return {
    note(event: StatusEvent) {
      if (event.type === "rate") targets.push(event.rate.target);
      else if (event.type === "uplink") queueMs = Math.max(queueMs, event.uplink.delayMs);
      else if (event.type === "path") decoded ||= event.path === "transcode";
    },
    sums() {
      const final = targets.at(-1);
      return {
        target: final === undefined ? undefined : { min: Math.min(...targets), final },
        queueMs,
        decoded,
      };
    },
  };
}

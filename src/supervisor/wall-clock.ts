import { setTimeout as sleep } from "node:timers/promises";
import type { Report } from "../domain/status.ts";

/** No device can honestly believe to live before this version was written. */
export const earliestTime = Date.UTC(2026, 10, 1);
const pollMs = 500;

/** A place for what is awaited, and one for what a person must know later as well. */
export interface WallClockHooks {
  tell(reason: string): void;
  readonly report: Report;
}

/**
 * A Raspberry Pi or Jetson wakes up in 1970 or at its last shutdown, where no certificate is valid yet. Waits until
 * the time of day makes sense, at most `limitMs`, and says so; then goes on with a warning, because a robot without
 * internet may never get the time.
 */
export async function waitForWallClock(
  limitMs: number,
  hooks: WallClockHooks,
  signal: AbortSignal,
  now: () => number = Date.now,
): Promise<void> {
  if (now() >= earliestTime) return;
  const shown = new Date(now()).toISOString().slice(0, 10);
  hooks.tell(
    `The clock says ${shown}; waiting up to ${Math.round(limitMs / 1000)} s for the network to set it, because certificates cannot be checked before.`,
  );
  for (let waitedMs = 0; waitedMs < limitMs; waitedMs += pollMs) {
    await sleep(pollMs, undefined, { signal }).catch(() => {});
    if (signal.aborted || now() >= earliestTime) return;
  }
  const text = `The clock still says ${shown}; going on, but certificates may be refused until it is set (timedatectl).`;
  hooks.report({ type: "notice", part: "clock", severity: "warning", text });
}

import { setTimeout as sleep } from "node:timers/promises";
import { toFault, type Fault } from "../domain/fault.ts";
import { nowUs } from "./clock.ts";
import { childSignal } from "./signals.ts";

export interface RetryPolicy {
  /** Milliseconds to wait before attempt `failures + 1`, where `failures` (1, 2, ...) happened within `outageMs`. */
  delayMs(fault: Fault, failures: number, outageMs: number): number;
  /** An attempt that ran this long counts as a success: the next failure is the first of a new outage. */
  readonly healthyAfterMs: number;
}

export interface RetryHooks {
  /** Called before each wait. */
  onWait?(fault: Fault, delayMs: number): void;
  /**
   * Whether the attempt that has just ended had really begun: one that only tried to connect for long is no success.
   * Without it every attempt counts as begun.
   */
  hadBegun?(): boolean;
  /** Resolves when waiting has become pointless (the peer answers again); its rejection is ignored. */
  wakeUp?(fault: Fault, signal: AbortSignal): Promise<void>;
}

/**
 * The only retry loop of the product: runs `attempt` until `signal` aborts (resolves) or a fault that is not
 * retryable comes (rejects with it). Each attempt gets a signal of its own that is aborted when the attempt is over.
 * An attempt that simply returns is tried again at once only if `signal` has not aborted.
 */
export async function retry(
  attempt: (signal: AbortSignal) => Promise<void>,
  policy: RetryPolicy,
  signal: AbortSignal,
  hooks: RetryHooks = {},
): Promise<void> {
  let failures = 0;
  let outageSinceUs = nowUs();
  while (!signal.aborted) {
    const startedUs = nowUs();
    const fault = await runOnce(attempt, signal);
    if (signal.aborted) return;
    if (fault !== undefined && !fault.retryable) throw fault;
    const ranLong = nowUs() - startedUs > policy.healthyAfterMs * 1000;
    if (fault === undefined || (ranLong && (hooks.hadBegun?.() ?? true))) {
      failures = 0;
      outageSinceUs = nowUs();
    }
    if (fault === undefined) continue;
    failures += 1;
    const delayMs = policy.delayMs(fault, failures, (nowUs() - outageSinceUs) / 1000);
    hooks.onWait?.(fault, delayMs);
    await wait(delayMs, fault, signal, hooks);
  }
}

async function runOnce(
  attempt: (signal: AbortSignal) => Promise<void>,
  parent: AbortSignal,
): Promise<Fault | undefined> {
  using scope = childSignal(parent);
  try {
    await attempt(scope.signal);
    return undefined;
  } catch (error) {
    return toFault(error);
  }
}

async function wait(delayMs: number, fault: Fault, parent: AbortSignal, hooks: RetryHooks): Promise<void> {
  using scope = childSignal(parent);
  const timer = sleep(delayMs, undefined, { signal: scope.signal }).catch(() => {});
  const never = new Promise<void>(() => {});
  const woken = hooks.wakeUp?.(fault, scope.signal).catch(() => never) ?? never;
  await Promise.race([timer, woken]);
}

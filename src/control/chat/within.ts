import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../../domain/fault.ts";
import { childSignal } from "../../lib/signals.ts";

/**
 * Gives what a call gives that cannot be aborted itself. Rejects with `surface-unreachable` after `limitMs`, and as
 * soon as `parent` aborts.
 */
export async function within<Value>(
  call: Promise<Value>,
  limitMs: number,
  what: string,
  parent: AbortSignal,
): Promise<Value> {
  using scope = childSignal(parent);
  const late = sleep(limitMs, undefined, { signal: scope.signal }).then(
    () => {
      throw new Fault("surface-unreachable", `${what} got no answer within ${limitMs / 1000} s.`);
    },
    () => {
      throw new Fault("surface-unreachable", `${what} was given up.`);
    },
  );
  return await Promise.race([call, late]);
}

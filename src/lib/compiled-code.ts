import { flushCompileCache } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import type { Subscribe } from "../domain/status.ts";
import { childSignal, untilAborted } from "./signals.ts";

export interface CompiledCodeOptions {
  readonly subscribe: Subscribe;
  /** Writes what was compiled; Node's own where absent. */
  readonly flush?: () => void;
  /** Milliseconds from the first time live to the writing; 10 000 where absent. */
  readonly settleMs?: number;
}

/**
 * Writes the compiled code to Node's cache (NODE_COMPILE_CACHE), once the line has been live for a while and so has used
 * most of it. Node does it at its end, which a device that loses its power never reaches. Takes 8 ms on x86 the first
 * time, and nothing when all came from the cache. Resolves when done or aborted.
 */
export async function keepCompiledCode(options: CompiledCodeOptions, signal: AbortSignal): Promise<void> {
  const { subscribe, flush = flushCompileCache, settleMs = 10_000 } = options;
  using live = childSignal(signal);
  subscribe((event) => {
    if (event.type === "phase" && event.phase === "live") live.abort();
  }, live.signal);
  await untilAborted(live.signal);
  await sleep(settleMs, undefined, { signal }).catch(() => {});
  if (!signal.aborted) flush();
}

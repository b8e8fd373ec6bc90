import { Fault } from "../domain/fault.ts";
import type { Source, Unit } from "../domain/media.ts";
import type { LinkState, Report } from "../domain/status.ts";
import { retry } from "../lib/retry.ts";
import { sourceRetryPolicy } from "./retry-policy.ts";
import { tellFault } from "./session/output-loop.ts";

export interface SourceHooks {
  /** An attempt to connect begins. */
  onAttempt?(): void;
  /** Its first picture is there; `accept` gets it next. */
  onBegin?(): void;
  accept(unit: Unit): void;
}

/** Keeps a source running and reports its state. Resolves when aborted; rejects with the fault that is final. */
export async function runSource(
  source: Source,
  report: Report,
  hooks: SourceHooks,
  signal: AbortSignal,
): Promise<void> {
  let begun = false;
  const tell = (state: LinkState, fault?: Fault, retryInMs?: number): void =>
    report({ type: "source", name: source.name, state, ...tellFault(fault, retryInMs) });
  const emit = (unit: Unit): void => {
    if (!begun && unit.kind === "video") {
      begun = true;
      hooks.onBegin?.();
      tell("running");
    }
    hooks.accept(unit);
  };
  try {
    await retry(
      async (attempt) => {
        begun = false;
        hooks.onAttempt?.();
        tell("connecting");
        await source.run(emit, attempt);
      },
      sourceRetryPolicy,
      signal,
      {
        onWait: (fault, delayMs) => tell("waiting", fault, delayMs),
        hadBegun: () => begun,
        wakeUp: ({ code }, waiting) =>
          (code === "robot-unreachable" ? source.awaitLink?.(waiting) : undefined) ?? new Promise(() => {}),
      },
    );
    tell("idle");
  } catch (error) {
    if (error instanceof Fault) tell("failed", error);
    throw error;
  }
}

import { summarize, toFault } from "../../domain/fault.ts";
import type { Fault } from "../../domain/fault.ts";
import type { Output, Uplink } from "../../domain/media.ts";
import type { LinkState, QueueCounters, Report } from "../../domain/status.ts";
import type { QueueLimits } from "../../lib/queue.ts";
import { retry } from "../../lib/retry.ts";
import { childSignal } from "../../lib/signals.ts";
import type { Hub, Subscription } from "../../media/hub.ts";
import { outputRetryPolicy } from "../retry-policy.ts";

export interface OutputLoopOptions {
  readonly output: Output;
  readonly hub: Hub;
  readonly queue: QueueLimits;
  readonly report: Report;
  requestKeyframe(): void;
  /** It has failed for good. */
  onFailed(fault: Fault): void;
}

const queueReportMs = 1000;

/** One output with its queue and its retry loop. Begins at once; ends at the abort. */
export class OutputLoop {
  readonly name: string;
  /** Resolves when it has ended. */
  readonly done: Promise<void>;
  readonly #options: OutputLoopOptions;
  readonly #units: Subscription;
  readonly #scope: ReturnType<typeof childSignal>;
  #begun = false;
  #revived: PromiseWithResolvers<void> | undefined;

  constructor(options: OutputLoopOptions, signal: AbortSignal) {
    this.#options = options;
    this.name = options.output.name;
    this.#scope = childSignal(signal);
    this.#units = options.hub.subscribe(options.queue, {
      wantKeyframe: options.requestKeyframe,
      onBegin: () => {
        this.#begun = true;
        this.#tell("running");
      },
    });
    this.done = this.#run(this.#scope.signal).finally(() => this.#scope[Symbol.dispose]());
  }

  get queue(): QueueCounters {
    return this.#units.counters;
  }

  /** True when it has failed for good and waits for `revive`. */
  get hasFailed(): boolean {
    return this.#revived !== undefined;
  }

  uplink(eager: boolean): Uplink | undefined {
    return this.#options.output.uplink?.(eager);
  }

  end(): void {
    this.#scope.abort();
  }

  /** Gives it another chance: somebody said `start` again. */
  revive(): void {
    this.#revived?.resolve();
    this.#revived = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const timer = setInterval(() => this.#reportQueue(), queueReportMs);
    try {
      while (!signal.aborted) {
        try {
          await this.#keepPublishing(signal);
          this.#tell("idle");
        } catch (error) {
          await this.#untilRevived(toFault(error), signal);
        }
      }
    } finally {
      clearInterval(timer);
      this.#reportQueue();
    }
  }

  #keepPublishing(signal: AbortSignal): Promise<void> {
    const { output, hub } = this.#options;
    return retry(
      async (attempt) => {
        this.#begun = false;
        this.#tell("connecting");
        // Connecting before there is a picture would only make the ingest wait, and some hang up then.
        await hub.untilPicture(attempt);
        try {
          if (!attempt.aborted) await output.run(this.#units, attempt);
        } finally {
          this.#units.leave();
        }
      },
      outputRetryPolicy,
      signal,
      {
        onWait: (fault, delayMs) => this.#tell("waiting", fault, delayMs),
        hadBegun: () => this.#begun,
        wakeUp: (fault, waiting) => wakeWhenReachable(output, fault, waiting),
      },
    );
  }

  async #untilRevived(fault: Fault, signal: AbortSignal): Promise<void> {
    this.#tell("failed", fault);
    const revived = Promise.withResolvers<void>();
    this.#revived = revived;
    this.#options.onFailed(fault);
    signal.addEventListener("abort", () => revived.resolve(), { once: true });
    await revived.promise;
  }

  #tell(state: LinkState, fault?: Fault, retryInMs?: number): void {
    const { name } = this;
    this.#options.report({ type: "output", name, state, ...tellFault(fault, retryInMs) });
  }

  #reportQueue(): void {
    this.#options.report({ type: "output-queue", name: this.name, queue: this.#units.counters });
  }
}

/** The parts of a link event that are there only when something is wrong. */
export function tellFault(fault: Fault | undefined, retryInMs: number | undefined): object {
  return {
    ...(fault !== undefined && { fault: summarize(fault) }),
    ...(retryInMs !== undefined && { retryInMs: Math.round(retryInMs) }),
  };
}

/** An ingest that was unreachable is tried again the moment it answers, whatever the back-off says. */
function wakeWhenReachable(output: Output, fault: Fault, signal: AbortSignal): Promise<void> {
  if (fault.code !== "output-unreachable" || output.awaitReachable === undefined)
    return new Promise(() => {});
  return output.awaitReachable(signal);
}

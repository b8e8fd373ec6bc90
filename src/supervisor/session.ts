import { Fault, summarize, toFault } from "../domain/fault.ts";
import type { AudioUnit, Output, Source, Unit, VideoUnit } from "../domain/media.ts";
import type { LinkState, Report } from "../domain/status.ts";
import { retry } from "../lib/retry.ts";
import { childSignal } from "../lib/signals.ts";
import type { QueueLimits } from "../lib/queue.ts";
import { nalType, typeOf } from "../media/h264.ts";
import { Hub } from "../media/hub.ts";
import { parseSps, profileName } from "../media/sps.ts";
import { outputRetryPolicy, sourceRetryPolicy } from "./retry-policy.ts";

/** Turns the camera's sound into what outputs take; a death of it costs the sound and nothing else. */
export interface AudioConverter {
  /** Never blocks and never throws; AAC is given on as it is. */
  push(unit: AudioUnit): void;
  /** Resolves when aborted; rejects with a `Fault` when it cannot go on. */
  run(signal: AbortSignal): Promise<void>;
}

export interface SessionParts {
  readonly source: Source;
  readonly outputs: readonly Output[];
  /** Absent when the outputs make their own silence or no sound at all: then the camera's sound is dropped here. */
  readonly createAudio?: (emit: (unit: AudioUnit) => void) => AudioConverter;
  readonly queue: QueueLimits;
  readonly report: Report;
}

interface RunningOutput {
  readonly end: () => void;
  readonly done: Promise<void>;
}

const queueReportMs = 1000;

/**
 * One source, its outputs and the hub between them, each with a retry loop of its own. `run` resolves when aborted;
 * it rejects with a `Fault` when the source, or every output, has failed for good.
 */
export class Session {
  readonly #parts: SessionParts;
  readonly #hub = new Hub();
  readonly #failed = new Map<string, PromiseWithResolvers<void>>();
  readonly #pictureWaiters = new Set<() => void>();
  readonly #audio: AudioConverter | undefined;
  readonly #running = new Map<string, RunningOutput>();
  #destinations: readonly string[];
  #startOutputs: (() => void) | undefined;
  #sourceRunning = false;
  #sps: Uint8Array | undefined;

  /** `destinations` names the outputs to publish to at first. */
  constructor(parts: SessionParts, destinations: readonly string[]) {
    this.#parts = parts;
    this.#destinations = destinations;
    this.#audio = parts.createAudio?.((unit) => this.#hub.publish(unit));
  }

  async run(signal: AbortSignal): Promise<void> {
    using scope = childSignal(signal);
    const allOutputsFailed = Promise.withResolvers<never>();
    this.#startOutputs = () => {
      for (const output of this.#parts.outputs) {
        if (!this.#destinations.includes(output.name) || this.#running.has(output.name)) continue;
        const own = childSignal(scope.signal);
        const done = this.#runOutput(output, allOutputsFailed.reject, own.signal).finally(() => {
          own[Symbol.dispose]();
          this.#running.delete(output.name);
          this.#failed.delete(output.name);
        });
        this.#running.set(output.name, { end: own.abort, done });
      }
    };
    this.#startOutputs();
    const source = this.#runSource(scope.signal);
    const audio = this.#runAudio(scope.signal);
    try {
      await Promise.race([source, allOutputsFailed.promise]);
    } finally {
      this.#startOutputs = undefined;
      scope.abort();
      await Promise.allSettled([source, audio, ...[...this.#running.values()].map(({ done }) => done)]);
    }
  }

  /** Ends the outputs that are not named and starts those that are; the others do not feel it. */
  setDestinations(names: readonly string[]): void {
    this.#destinations = names;
    for (const [name, { end, done }] of this.#running) {
      if (names.includes(name)) continue;
      end();
      void done.then(() => {
        this.#parts.report({ type: "output", name, state: "idle" });
        this.#startOutputs?.(); // it may be wanted again by then
      });
    }
    this.#startOutputs?.();
  }

  requestKeyframe(): void {
    this.#parts.source.requestKeyframe();
  }

  /** Gives outputs that have failed for good another chance: somebody said `start` again. */
  reviveFailedOutputs(): void {
    for (const { resolve } of this.#failed.values()) resolve();
    this.#failed.clear();
  }

  async #runSource(signal: AbortSignal): Promise<void> {
    const { source, report } = this.#parts;
    const tell = (state: LinkState, fault?: Fault, retryInMs?: number): void =>
      report({ type: "source", name: source.name, state, ...tellFault(fault, retryInMs) });
    try {
      await retry(
        async (attempt) => {
          this.#sourceRunning = false;
          tell("connecting");
          await source.run((unit) => this.#accept(unit, tell), attempt);
        },
        sourceRetryPolicy,
        signal,
        {
          onWait: (fault, delayMs) => tell("waiting", fault, delayMs),
          hadBegun: () => this.#sourceRunning,
        },
      );
      tell("idle");
    } catch (error) {
      if (error instanceof Fault) tell("failed", error);
      throw error;
    }
  }

  #accept(unit: Unit, tell: (state: LinkState) => void): void {
    if (unit.kind === "video") {
      if (!this.#sourceRunning) {
        this.#sourceRunning = true;
        tell("running");
      }
      if (unit.keyframe) this.#tellPicture(unit);
      this.#hub.publish(unit);
      if (this.#hub.hasPicture) for (const wake of this.#pictureWaiters) wake();
    } else this.#audio?.push(unit);
  }

  /** Tells size and profile when the camera's parameter sets change. */
  #tellPicture(unit: VideoUnit): void {
    const sps = unit.nalus.find((nalu) => typeOf(nalu) === nalType.sps);
    if (sps === undefined || (this.#sps !== undefined && Buffer.compare(sps, this.#sps) === 0)) return;
    this.#sps = sps;
    try {
      const parameters = parseSps(sps);
      const { width, height } = parameters;
      this.#parts.report({ type: "picture", width, height, profile: profileName(parameters) });
    } catch (error) {
      const text = `The camera's picture format cannot be read: ${toFault(error).message}`;
      this.#parts.report({ type: "notice", part: "session", severity: "warning", text });
    }
  }

  async #runAudio(signal: AbortSignal): Promise<void> {
    const { report } = this.#parts;
    const audio = this.#audio;
    if (audio === undefined) return;
    const tell = (text: string): void => report({ type: "notice", part: "audio", severity: "warning", text });
    await retry((attempt) => audio.run(attempt), sourceRetryPolicy, signal, {
      onWait: (fault) => tell(`${fault.message} The picture goes on without sound until it is back.`),
    }).catch((error: unknown) => tell(`${toFault(error).message} The picture goes on without sound.`));
  }

  async #runOutput(output: Output, giveUp: (fault: Fault) => void, signal: AbortSignal): Promise<void> {
    const { report } = this.#parts;
    const tell = (state: LinkState, fault?: Fault, retryInMs?: number): void =>
      report({ type: "output", name: output.name, state, ...tellFault(fault, retryInMs) });
    let begun = false;
    const units = this.#hub.subscribe(this.#parts.queue, {
      wantKeyframe: () => this.#parts.source.requestKeyframe(),
      onBegin: () => {
        begun = true;
        tell("running");
      },
    });
    const reportQueue = (): void =>
      report({ type: "output-queue", name: output.name, queue: units.counters });
    const timer = setInterval(reportQueue, queueReportMs);
    try {
      while (!signal.aborted) {
        try {
          await retry(
            async (attempt) => {
              begun = false;
              tell("connecting");
              await this.#untilPicture(attempt);
              try {
                if (!attempt.aborted) await output.run(units, attempt);
              } finally {
                units.leave();
              }
            },
            outputRetryPolicy,
            signal,
            {
              onWait: (fault, delayMs) => tell("waiting", fault, delayMs),
              hadBegun: () => begun,
              wakeUp: (fault, waiting) => wakeWhenReachable(output, fault, waiting),
            },
          );
          tell("idle");
        } catch (error) {
          const fault = toFault(error);
          tell("failed", fault);
          const revived = Promise.withResolvers<void>();
          this.#failed.set(output.name, revived);
          if (this.#failed.size === this.#running.size) giveUp(fault);
          signal.addEventListener("abort", () => revived.resolve(), { once: true });
          await revived.promise;
        }
      }
    } finally {
      clearInterval(timer);
      reportQueue();
    }
  }

  /** Connecting before there is a picture would only make the ingest wait, and some hang up then. */
  async #untilPicture(signal: AbortSignal): Promise<void> {
    if (this.#hub.hasPicture) return;
    const waiter = Promise.withResolvers<void>();
    this.#pictureWaiters.add(waiter.resolve);
    signal.addEventListener("abort", () => waiter.resolve(), { once: true });
    await waiter.promise;
    this.#pictureWaiters.delete(waiter.resolve);
  }
}

function tellFault(fault: Fault | undefined, retryInMs: number | undefined): object {
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

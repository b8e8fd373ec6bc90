import type { Uplink } from "../../domain/media.ts";
import type { QueueCounters, RateStatus, Report } from "../../domain/status.ts";
import { nowUs } from "../../lib/clock.ts";
import { UplinkController } from "./controller.ts";
import type { RateRange } from "./controller.ts";
import { WaitingAge } from "./waiting-age.ts";

/** One output, as far as its way to the server matters. */
export interface WatchedOutput {
  readonly name: string;
  /** Undefined while it is not connected; the same object again where there is nothing new to see. */
  uplink(eager: boolean): Uplink | undefined;
  readonly queue: QueueCounters;
}

export interface AdaptationOptions {
  outputs(): readonly WatchedOutput[];
  /** What may be asked for now; undefined where the bit rate cannot be set. */
  range(): RateRange | undefined;
  /** The camera's pictures are on their way: while they are held, nothing can be learnt. */
  isLive(): boolean;
  /** Asks the encoder, whichever it is, for so many bits per second. */
  ask(bitsPerSecond: number): void;
  readonly report: Report;
}

/** Four looks a second: a second of queue is seen at least three times. */
const lookMs = 250;
const reportMs = 1000;
const inputWindowUs = 2_000_000;
/** Rates are asked for in steps of this many bits per second. */
const rateStep = 10_000;
const unlimited: RateRange = { floor: 0, ceiling: Infinity };

interface Watched {
  readonly controller: UplinkController;
  readonly age: WaitingAge;
  seen: Uplink | undefined;
  /** The longest delay since the last report. */
  delayMs: number;
}

/**
 * Keeps the encoder's bit rate at what the slowest live destination carries. A destination that hangs has no vote:
 * what it would say is not how fast its line is, but that there is none.
 */
export class Adaptation implements Disposable {
  readonly #options: AdaptationOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: NodeJS.Timeout;
  #inputs: { readonly atUs: number; readonly bytes: number }[] = [];
  #inputBytes = 0;
  #rate: RateStatus | undefined;
  #reportedUs = 0;

  constructor(options: AdaptationOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), lookMs);
  }

  /** A picture of so many bytes has gone into the queues. */
  note(bytes: number): void {
    this.#inputBytes += bytes;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { outputs, range, isLive } = this.#options;
    const atUs = nowUs();
    const inputRate = this.#measureInput(atUs);
    const limits = range();
    const connected = new Set<string>();
    const votes: { readonly name: string; readonly rate: number }[] = [];
    for (const output of outputs()) {
      const isCalm = (this.#watched.get(output.name)?.controller.mode ?? "open") === "open";
      const uplink = output.uplink(!isCalm);
      if (uplink === undefined) continue;
      connected.add(output.name);
      if (!isLive()) continue;
      const watched = this.#follow(output.name, uplink);
      const { controller } = watched;
      if (uplink !== watched.seen) {
        watched.seen = uplink;
        const { deliveredBytes, roundTripMs } = uplink;
        const { bytes, milliseconds } = output.queue;
        const waitingBytes = uplink.waitingBytes + bytes;
        controller.next({ atUs, waitingBytes, deliveredBytes, roundTripMs }, inputRate, limits ?? unlimited);
        const ageMs = watched.age.look(
          atUs,
          uplink.waitingBytes + deliveredBytes,
          deliveredBytes,
          milliseconds,
        );
        watched.delayMs = Math.max(watched.delayMs, ageMs - roundTripMs);
      }
      if (controller.view.hung) continue;
      votes.push({ name: output.name, rate: controller.rate(limits ?? unlimited) });
    }
    if (limits !== undefined && isLive()) this.#decide(votes, limits);
    if (atUs - this.#reportedUs >= reportMs * 1000) this.#reportUplinks(atUs, connected);
  }

  #decide(votes: readonly { readonly name: string; readonly rate: number }[], range: RateRange): void {
    const { floor, ceiling } = range;
    // Before anybody has a vote, and while all hang, it stays as it is.
    const unchanged = { name: "", rate: Math.min(this.#rate?.target ?? ceiling, ceiling) };
    const [first = unchanged, ...others] = votes;
    const slowest = others.reduce((least, vote) => (vote.rate < least.rate ? vote : least), first);
    const rounded = Math.round(slowest.rate / rateStep) * rateStep;
    const target = Math.round(Math.max(floor, Math.min(ceiling, rounded)));
    this.#options.ask(target);
    if (this.#rate?.target === target && this.#rate.ceiling === ceiling) return;
    this.#rate = { target, ceiling, reason: this.#explain(slowest.name, slowest.rate, ceiling) };
    this.#options.report({ type: "rate", rate: this.#rate });
  }

  #explain(name: string, rate: number, ceiling: number): string {
    const watched = this.#watched.get(name);
    if (watched === undefined || rate >= ceiling)
      return "The uplink carries all that is asked of the camera.";
    const { mode, view } = watched.controller;
    const carries =
      view.capacity === undefined ? "" : ` It carried ${(view.capacity / 1e6).toFixed(2)} Mbit/s.`;
    switch (mode) {
      case "draining":
        return `The uplink to ${name} is too slow: ${Math.round(view.delayMs)} ms of picture were waiting.${carries}`;
      case "probing":
        return `Trying whether the uplink to ${name} carries more.`;
      case "climbing":
        return `The uplink to ${name} carries more again.`;
      case "open":
      case "steady":
        return `As much as the uplink to ${name} carries.${carries}`;
    }
  }

  #follow(name: string, { connection }: Uplink): Watched {
    const known = this.#watched.get(name);
    if (known?.seen?.connection === connection) return known;
    known?.controller.reconnect();
    const controller = known?.controller ?? new UplinkController();
    const watched: Watched = { controller, age: new WaitingAge(), seen: undefined, delayMs: 0 };
    this.#watched.set(name, watched);
    return watched;
  }

  #measureInput(atUs: number): number {
    this.#inputs.push({ atUs, bytes: this.#inputBytes });
    this.#inputs = this.#inputs.filter((one) => atUs - one.atUs <= inputWindowUs);
    const [first] = this.#inputs;
    if (first === undefined || first.atUs === atUs) return 0;
    return ((this.#inputBytes - first.bytes) * 8_000_000) / (atUs - first.atUs);
  }

  #reportUplinks(atUs: number, connected: ReadonlySet<string>): void {
    this.#reportedUs = atUs;
    for (const [name, watched] of this.#watched) {
      if (!connected.has(name)) continue;
      const { capacity } = watched.controller.view;
      const uplink = {
        delayMs: Math.round(watched.delayMs),
        roundTripMs: Math.round((watched.seen?.roundTripMs ?? 0) * 10) / 10,
        ...(capacity !== undefined && { capacity: Math.round(capacity) }),
      };
      this.#options.report({ type: "uplink", name, uplink });
      watched.delayMs = 0;
    }
  }
}

import { toFault } from "../../domain/fault.ts";
import { nowUs } from "../../lib/clock.ts";
import { SendRate } from "./send-rate.ts";

/** What is dropped first when there is more to say than Twitch lets through: refusals, then answers, then results. */
export type Importance = "refusal" | "answer" | "result";

export interface Reply {
  readonly text: string;
  readonly importance: Importance;
  /** The id of the line that this answers. */
  readonly replyTo?: string;
}

export type Say = (text: string, replyTo: string | undefined, signal: AbortSignal) => Promise<void>;

export interface OutboxOptions {
  /** Called for every line that was not said: `dropped` of them so far, and why this one. */
  readonly onLoss: (dropped: number, why: string) => void;
}

const mostWaiting = 20;
/** An answer that comes later than this helps nobody. */
const staleAfterMs = 30_000;
const order: readonly Importance[] = ["refusal", "answer", "result"];

/** Everything that is said in chat goes through here: bounded, within Twitch's rates, the least important dropped first. */
export class Outbox {
  readonly rate = new SendRate();
  readonly #onLoss: OutboxOptions["onLoss"];
  #waiting: (Reply & { readonly atMs: number })[] = [];
  #dropped = 0;
  #wake: () => void = () => {};

  constructor(options: OutboxOptions) {
    this.#onLoss = options.onLoss;
  }

  get dropped(): number {
    return this.#dropped;
  }

  push(reply: Reply): void {
    this.#waiting.push({ ...reply, atMs: nowUs() / 1000 });
    if (this.#waiting.length > mostWaiting) {
      const [least] = this.#waiting.toSorted(
        (a, b) => order.indexOf(a.importance) - order.indexOf(b.importance),
      );
      this.#waiting = this.#waiting.filter((one) => one !== least);
      this.#lose("Twitch allows no more lines");
    }
    this.#wake();
  }

  /** Says what waits until aborted. A line that fails is lost; rejects with the fault of one that no other could pass either. */
  async run(say: Say, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = this.rate.waitMs(nowUs() / 1000);
      const reply = waitMs > 0 ? undefined : this.#next();
      if (reply === undefined) await this.#pause(waitMs, signal);
      else await this.#sayOne(reply, say, signal);
    }
  }

  async #sayOne(reply: Reply, say: Say, signal: AbortSignal): Promise<void> {
    this.rate.note(nowUs() / 1000);
    try {
      await say(reply.text, reply.replyTo, signal);
    } catch (error) {
      if (signal.aborted) return;
      const fault = toFault(error, "surface-unreachable");
      this.#lose(fault.message);
      if (!fault.retryable) throw fault;
    }
  }

  #next(): Reply | undefined {
    const nowMs = nowUs() / 1000;
    for (;;) {
      const reply = this.#waiting.shift();
      if (reply === undefined || nowMs - reply.atMs < staleAfterMs) return reply;
      this.#lose("they waited too long");
    }
  }

  /** Waits for the rate if something waits to be said, otherwise for something to say. */
  async #pause(waitMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const over = (): void => resolve();
    const timer = this.#waiting.length > 0 ? setTimeout(over, waitMs) : undefined;
    if (timer === undefined) this.#wake = over;
    signal.addEventListener("abort", over, { once: true });
    await promise;
    signal.removeEventListener("abort", over);
    clearTimeout(timer);
  }

  #lose(why: string): void {
    this.#dropped += 1;
    this.#onLoss(this.#dropped, why);
  }
}

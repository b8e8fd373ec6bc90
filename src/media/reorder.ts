import type { RtpPacket } from "./srtp.ts";

export interface ReorderOptions {
  /** How long a missing packet is waited for, microseconds. */
  readonly windowUs: number;
  /** How often one missing packet is asked for at most. */
  readonly tries: number;
  /** Time between two requests for the same packet, microseconds. */
  readonly retryUs: number;
}

export interface ReorderCounters {
  received: number;
  lost: number;
  recovered: number;
  discarded: number;
  restarts: number;
}

/** Where packets go, in order. `gap` is true when at least one packet in front of this one is lost for good. */
export type InOrder = (packet: RtpPacket, gap: boolean) => void;

interface Missing {
  readonly sinceUs: number;
  askedUs: number;
  tries: number;
}

/** A jump of more than this many packets, confirmed by a second packet, is a camera that began anew. */
const restartDistance = 3000;

/** More missing packets than this at once (half a second at 8 Mbit/s) are not asked for again. */
const hopelessGap = 500;

/**
 * Puts the packets of one stream back into order and says which ones to ask for again. Works on extended sequence
 * numbers (packet indexes), so it knows no wrap. Time is passed in; nothing here waits.
 *
 * Invariant: everything in `#waiting` has an index above `#next`; `#missing` holds exactly the indexes from `#next` up
 * to the highest waiting one that have not come.
 */
export class ReorderWindow {
  readonly counters: ReorderCounters = { received: 0, lost: 0, recovered: 0, discarded: 0, restarts: 0 };
  readonly #options: ReorderOptions;
  readonly #deliver: InOrder;
  readonly #waiting = new Map<number, RtpPacket>();
  readonly #missing = new Map<number, Missing>();
  #ssrc: number | undefined;
  #next = 0;
  #highest = 0;
  #gap = false;
  #suspect: number | undefined;

  constructor(options: ReorderOptions, deliver: InOrder) {
    this.#options = options;
    this.#deliver = deliver;
  }

  /** The highest index so far, for receiver reports. */
  get highest(): number {
    return this.#highest;
  }

  get isWaiting(): boolean {
    return this.#missing.size > 0;
  }

  push(packet: RtpPacket, nowUs: number): void {
    this.counters.received += 1;
    if (packet.ssrc !== this.#ssrc) this.#restart(packet);
    const { index } = packet;
    if (index === this.#next && this.#missing.size === 0) {
      this.#suspect = undefined;
      this.#highest = index;
      this.#next = index + 1;
      this.#hand(packet);
      return;
    }
    if (Math.abs(index - this.#highest) > restartDistance) {
      if (this.#suspect !== index - 1) {
        this.#suspect = index;
        this.counters.discarded += 1;
        return;
      }
      this.#restart(packet);
    }
    this.#suspect = undefined;
    if (index < this.#next || this.#waiting.has(index)) {
      this.counters.discarded += 1; // duplicate, or too late
      return;
    }
    if (index - this.#highest > hopelessGap) this.#skipTo(index);
    for (let i = Math.max(this.#highest + 1, this.#next); i < index; i += 1) {
      this.#missing.set(i, { sinceUs: nowUs, askedUs: Number.NEGATIVE_INFINITY, tries: 0 });
    }
    const missed = this.#missing.get(index);
    if (missed !== undefined) {
      this.#missing.delete(index);
      if (missed.tries > 0) this.counters.recovered += 1;
    }
    if (index > this.#highest) this.#highest = index;
    this.#waiting.set(index, packet);
    this.#drain();
  }

  /** Gives up what was waited for too long, then names the indexes to ask for now (RFC 4585, 6.2.1). */
  poll(nowUs: number): readonly number[] {
    const { windowUs, tries, retryUs } = this.#options;
    let gaveUp = false;
    for (const [index, missing] of this.#missing) {
      if (nowUs - missing.sinceUs < windowUs) break; // insertion order is time order
      this.#missing.delete(index);
      this.counters.lost += 1;
      gaveUp = true;
    }
    if (gaveUp) this.#drain();
    const ask: number[] = [];
    for (const [index, missing] of this.#missing) {
      if (missing.tries >= tries || nowUs - missing.askedUs < retryUs) continue;
      missing.tries += 1;
      missing.askedUs = nowUs;
      ask.push(index);
    }
    return ask;
  }

  #drain(): void {
    while (this.#next <= this.#highest) {
      const packet = this.#waiting.get(this.#next);
      if (packet === undefined) {
        if (this.#missing.has(this.#next)) return;
        this.#gap = true; // given up
      } else {
        this.#waiting.delete(this.#next);
        this.#hand(packet);
      }
      this.#next += 1;
    }
  }

  /** Asking for hundreds of packets would only add to the jam that lost them: the next keyframe heals it. */
  #skipTo(index: number): void {
    this.counters.lost += this.#missing.size + (index - this.#highest - 1);
    this.#missing.clear();
    this.#drain();
    this.#next = index;
    this.#highest = index - 1;
    this.#gap = true;
  }

  #hand(packet: RtpPacket): void {
    const gap = this.#gap;
    this.#gap = false;
    this.#deliver(packet, gap);
  }

  #restart(packet: RtpPacket): void {
    if (this.#ssrc !== undefined) {
      this.counters.restarts += 1;
      this.counters.lost += this.#missing.size;
      this.counters.discarded += this.#waiting.size;
      this.#gap = true;
    }
    this.#missing.clear();
    this.#waiting.clear();
    this.#suspect = undefined;
    this.#ssrc = packet.ssrc;
    this.#next = packet.index;
    this.#highest = packet.index - 1;
  }
}

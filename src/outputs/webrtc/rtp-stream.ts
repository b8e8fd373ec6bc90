import { nowUs } from "../../lib/clock.ts";
import type { RtpPayloads } from "../../media/rtp-payloads.ts";
import type { SrtpSender } from "../../media/srtp-sender.ts";
import { Pace } from "./pace.ts";

export const h264PayloadType = 102;

const secondMs = 1000;
/** One who loses more of a second's packets than this gets ever less of what is sent. */
const tolerableLoss = 0.3;
const fewPackets = 50;
/** One packet is sent again this long after the last time at the earliest: sooner it can only be on its way. */
const repeatUs = 10_000;
const mostRepeatsPerSecond = 1000;

/** A sender report's content (RFC 3550, 6.4.1), without the wall clock. */
export interface SendReport {
  readonly rtpTimestamp: number;
  readonly packets: number;
  readonly octets: number;
}

/** A picture that is to be sent. */
export interface RtpPicture {
  readonly payloads: RtpPayloads;
  readonly bytes: number;
  /** 90 kHz, 32 bits. */
  readonly timestamp: number;
  /** Packets a millisecond. */
  readonly pace: number;
}

export interface RtpStreamOptions {
  readonly sender: SrtpSender;
  /** Sends one datagram, or loses it. */
  readonly send: (datagram: Buffer) => void;
  readonly report: (report: SendReport) => void;
  /** The header extension block of a picture's first packet; none if absent. */
  readonly extension?: () => Uint8Array;
  /** Much of the last second's packets was lost. */
  readonly onHeavyLoss: () => void;
}

/** Pictures as one SRTP stream: paced, repeated where packets get lost, with a sender report each second. */
export class RtpStream implements Disposable {
  readonly #options: RtpStreamOptions;
  readonly #pace = new Pace(nowUs);
  readonly #repeated = new Map<number, number>();
  readonly #secondTimer: NodeJS.Timeout;
  #waiting: RtpPicture[] = [];
  #waitingBytes = 0;
  /** The next payload of the first picture that waits. */
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  #sentBefore = 0;
  #repeats = 0;
  #clock: { readonly timestamp: number; readonly us: number } | undefined;
  #onDrained = (): void => {};

  constructor(options: RtpStreamOptions) {
    this.#options = options;
    this.#secondTimer = setInterval(() => this.#everySecond(), secondMs);
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Bytes of the pictures that have not been sent whole. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Lines pictures up; `flush` begins to send them. */
  push(picture: RtpPicture): void {
    this.#waiting.push(picture);
    this.#waitingBytes += picture.bytes;
  }

  /** Sends what may be sent now, and the rest in its time. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { sender, send, extension } = this.#options;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const { payloads } = first;
      const count = this.#pace.take(payloads.starts.length - this.#next, first.pace);
      if (count > 0) {
        const block = extension?.();
        for (const datagram of sender.protect(payloads, first.timestamp, block, this.#next, count))
          send(datagram);
        this.#next += count;
      }
      if (this.#next < payloads.starts.length) {
        this.#timer = setTimeout(() => this.flush(), 1);
        return;
      }
      this.#waiting.shift();
      this.#waitingBytes -= first.bytes;
      this.#next = 0;
    }
    this.#onDrained();
  }

  /** Resolves when nothing waits any more, or at the disposal. One may wait for it at a time. */
  drained(): Promise<void> {
    if (!this.isWaiting) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onDrained = resolve;
    });
  }

  /** What waits is not sent, except the picture that was begun. Says how many pictures that were. */
  skip(): number {
    const kept = this.#next > 0 ? 1 : 0;
    const skipped = this.#waiting.length - kept;
    this.#waiting.length = kept;
    this.#waitingBytes = this.#waiting[0]?.bytes ?? 0;
    return skipped;
  }

  /** Sends packets again that were lost, by their 16-bit sequence numbers. Says how many. */
  repeat(sequences: readonly number[]): number {
    const now = nowUs();
    let count = 0;
    for (const sequence of sequences) {
      if (this.#repeats >= mostRepeatsPerSecond) break;
      if (now - (this.#repeated.get(sequence) ?? Number.NEGATIVE_INFINITY) < repeatUs) continue;
      const datagram = this.#options.sender.again(sequence);
      if (datagram === undefined) continue;
      this.#repeated.set(sequence, now);
      this.#repeats += 1;
      count += 1;
      this.#options.send(datagram);
    }
    return count;
  }

  /** What sender reports say: this timestamp was at this time, microseconds. */
  setClock(timestamp: number, us: number): void {
    this.#clock = { timestamp, us };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#secondTimer);
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.#onDrained();
  }

  #everySecond(): void {
    const { packets, octets } = this.#options.sender.sent;
    const sent = packets - this.#sentBefore;
    if (sent > fewPackets && this.#repeats > sent * tolerableLoss) this.#options.onHeavyLoss();
    this.#sentBefore = packets;
    this.#repeats = 0;
    this.#repeated.clear();
    if (this.#clock === undefined) return;
    const { timestamp, us } = this.#clock;
    const rtpTimestamp = (timestamp + toRtpTimestamp(Math.max(0, nowUs() - us))) % 2 ** 32;
    this.#options.report({ rtpTimestamp, packets, octets });
  }
}

/** The 90 kHz timestamp of a time in microseconds. */
export function toRtpTimestamp(us: number): number {
  return Math.round(us * 0.09) % 0x1_0000_0000;
}

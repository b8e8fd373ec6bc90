import { nowUs } from "../../lib/clock.ts";
import type { SrtpSender } from "../../media/srtp-sender.ts";
import type { PreviewLatency } from "../../domain/preview.ts";
import type { Delivery, Stage } from "./delivery.ts";
import { Pace } from "./pace.ts";
import { toRtpTimestamp } from "./picture.ts";
import type { Picture } from "./picture.ts";

/** What may wait for its turn: several times what a new viewer is given at once (`recentLimits`). */
const mostWaitingBytes = 8 * 1024 * 1024;
const secondMs = 1000;
/** A viewer who loses more of a second's packets than this is sent nothing until the next keyframe. */
const tolerableLoss = 0.3;
const fewPackets = 50;
/** Packets a millisecond: 77 Mbit/s for what the camera sends now, */
const livePace = 8;
/** and 29 Mbit/s for a whole GOP, which is so much at once that a busy browser loses some of it. */
const replayPace = 3;
/** One packet is sent again this long after the last time at the earliest: sooner it can only be on its way. */
const repeatUs = 10_000;
const mostRepeatsPerSecond = 1000;
/** A keyframe of the camera is asked for this often at most: it costs every other viewer, and the line. */
const keyframeEveryUs = 3_000_000;
/** The GOP is sent again this often at most. */
const replayEveryUs = 700_000;
/** So long a viewer is new: what it lacks is the beginning, and the GOP gives it. */
const newUs = 5_000_000;
/** One who is not gets the GOP only while it is shorter than this; otherwise a keyframe is less to send. */
const shortGopUs = 500_000;

/** A sender report's content (RFC 3550, 6.4.1), without the wall clock. */
export interface SendReport {
  readonly rtpTimestamp: number;
  readonly packets: number;
  readonly octets: number;
}

export interface RtpDeliveryOptions {
  readonly sender: SrtpSender;
  readonly stage: Stage;
  /** Sends one datagram, or loses it. */
  readonly send: (datagram: Buffer) => void;
  readonly report: (report: SendReport) => void;
  /** The header extension block that says this latency. */
  readonly extension: (latency: PreviewLatency) => Uint8Array;
}

/** Pictures as one SRTP stream to one viewer: paced, and repeated where they get lost. */
export class RtpDelivery implements Delivery {
  droppedPictures = 0;
  latency: PreviewLatency;
  readonly #options: RtpDeliveryOptions;
  readonly #pace = new Pace(nowUs);
  readonly #repeated = new Map<number, number>();
  readonly #secondTimer: NodeJS.Timeout;
  #waiting: { readonly picture: Picture; readonly timestamp: number; readonly pace: number }[] = [];
  #waitingBytes = 0;
  /** The next payload of the first picture that waits. */
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  #needsKeyframe = true;
  /** What comes before the first picture that could be sent is not missed. */
  #begun = false;
  #newest: Picture | undefined;
  #sentBefore = 0;
  #repeats = 0;
  #keyframeUs = Number.NEGATIVE_INFINITY;
  readonly #beganUs = nowUs();
  #replayedUs = Number.NEGATIVE_INFINITY;

  constructor(latency: PreviewLatency, options: RtpDeliveryOptions) {
    this.latency = latency;
    this.#options = options;
    this.#secondTimer = setInterval(() => this.#everySecond(), secondMs);
    const newest = options.stage.recent().at(-1);
    if (newest === undefined) {
      this.wantKeyframe();
      return;
    }
    // The viewer's DTLS may not be done yet and lose this. As soon as it can read, it says that it cannot decode.
    this.#needsKeyframe = false;
    this.show(newest);
  }

  show(picture: Picture): void {
    this.#newest = picture;
    if (picture.isKeyframe) this.#needsKeyframe = false;
    if (this.#needsKeyframe) {
      if (this.#begun) this.droppedPictures += 1;
      return;
    }
    this.#begun = true;
    this.#push(picture, picture.timestamp, livePace);
    if (this.#waitingBytes > mostWaitingBytes) this.#skipToKeyframe();
    this.#flush();
  }

  /** The viewer has lost these packets: 16-bit sequence numbers. */
  repeat(sequences: readonly number[]): void {
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
    this.#options.stage.countRepeated(count);
  }

  /** The viewer cannot decode what it has. */
  wantKeyframe(): void {
    if (this.#waiting.length > 0) return;
    const now = nowUs();
    if (now - this.#replayedUs >= replayEveryUs && this.#replay(now - this.#beganUs < newUs)) {
      this.#replayedUs = now;
    } else if (Math.min(now - this.#keyframeUs, now - this.#replayedUs) >= keyframeEveryUs) {
      this.#keyframeUs = now;
      this.#options.stage.wantKeyframe();
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#secondTimer);
    clearTimeout(this.#timer);
    this.#waiting = [];
  }

  /**
   * Sends the newest GOP once more. A new viewer plays it as fast as it comes: its pictures get times that are as far
   * apart as they are sent, and the last one keeps its own. One who has seen newer ones gets them between two pictures.
   */
  #replay(isNew: boolean): boolean {
    const recent = this.#options.stage.recent();
    const [first, newest] = [recent[0], recent.at(-1)];
    if (first === undefined || newest === undefined) return false;
    if (!isNew && newest.unit.ptsUs - first.unit.ptsUs > shortGopUs) return false;
    this.#needsKeyframe = false;
    const packets = recent.map(({ payloads }) => payloads.starts.length);
    let ahead = packets.reduce((sum, count) => sum + count, 0);
    for (const [i, picture] of recent.entries()) {
      ahead -= packets[i] ?? 0;
      const before = Math.round((ahead * 90) / replayPace) + (recent.length - 1 - i);
      this.#push(picture, (newest.timestamp + (isNew ? -before : i + 1)) >>> 0, replayPace);
    }
    this.#flush();
    return true;
  }

  #push(picture: Picture, timestamp: number, pace: number): void {
    this.#waiting.push({ picture, timestamp, pace });
    this.#waitingBytes += picture.unit.avcc.length;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { sender, send, extension } = this.#options;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const { payloads, unit } = first.picture;
      const count = this.#pace.take(payloads.starts.length - this.#next, first.pace);
      if (count > 0) {
        const block = extension(this.latency);
        for (const datagram of sender.protect(payloads, first.timestamp, block, this.#next, count))
          send(datagram);
        this.#next += count;
      }
      if (this.#next < payloads.starts.length) {
        this.#timer = setTimeout(() => this.#flush(), 1);
        return;
      }
      this.#waiting.shift();
      this.#waitingBytes -= unit.avcc.length;
      this.#next = 0;
    }
  }

  /** The picture that is being sent is finished; the others that wait are not. */
  #skipToKeyframe(): void {
    const kept = this.#next > 0 ? 1 : 0;
    this.droppedPictures += this.#waiting.length - kept;
    this.#waiting.length = kept;
    this.#waitingBytes = this.#waiting[0]?.picture.unit.avcc.length ?? 0;
    this.#needsKeyframe = true;
  }

  #everySecond(): void {
    const { packets, octets } = this.#options.sender.sent;
    const sent = packets - this.#sentBefore;
    if (sent > fewPackets && this.#repeats > sent * tolerableLoss) this.#skipToKeyframe();
    this.#sentBefore = packets;
    this.#repeats = 0;
    this.#repeated.clear();
    if (this.#newest === undefined) return;
    const { unit, timestamp } = this.#newest;
    const rtpTimestamp = (timestamp + toRtpTimestamp(Math.max(0, nowUs() - unit.receivedUs))) % 2 ** 32;
    this.#options.report({ rtpTimestamp, packets, octets });
  }
}

import type { PreviewLatency } from "../../domain/preview.ts";
import { nowUs } from "../../lib/clock.ts";
import type { SrtpSender } from "../../media/srtp-sender.ts";
import { RtpStream } from "../webrtc/rtp-stream.ts";
import type { SendReport } from "../webrtc/rtp-stream.ts";
import type { Delivery, Stage } from "./delivery.ts";
import type { Picture } from "./picture.ts";

/** What may wait for its turn: several times what a new viewer is given at once (`recentLimits`). */
const mostWaitingBytes = 8 * 1024 * 1024;
/** Packets a millisecond: 77 Mbit/s for what the camera sends now, */
const livePace = 8;
/** and 29 Mbit/s for a whole GOP, which is so much at once that a busy browser loses some of it. */
const replayPace = 3;
/** A keyframe of the camera is asked for this often at most: it costs every other viewer, and the line. */
const keyframeEveryUs = 3_000_000;
/** The GOP is sent again this often at most. */
const replayEveryUs = 700_000;
/** So long a viewer is new: what it lacks is the beginning, and the GOP gives it. */
const newUs = 5_000_000;
/** One who is not gets the GOP only while it is shorter than this; otherwise a keyframe is less to send. */
const shortGopUs = 500_000;

export interface RtpDeliveryOptions {
  readonly sender: SrtpSender;
  readonly stage: Stage;
  /** Sends one datagram, or loses it. */
  readonly send: (datagram: Buffer) => void;
  readonly report: (report: SendReport) => void;
  /** The header extension block that says this latency. */
  readonly extension: (latency: PreviewLatency) => Uint8Array;
}

/** Pictures as one SRTP stream to one viewer. */
export class RtpDelivery implements Delivery {
  droppedPictures = 0;
  latency: PreviewLatency;
  readonly #stage: Stage;
  readonly #stream: RtpStream;
  #needsKeyframe = true;
  /** What comes before the first picture that could be sent is not missed. */
  #begun = false;
  #keyframeUs = Number.NEGATIVE_INFINITY;
  readonly #beganUs = nowUs();
  #replayedUs = Number.NEGATIVE_INFINITY;

  constructor(latency: PreviewLatency, { stage, extension, ...sending }: RtpDeliveryOptions) {
    this.latency = latency;
    this.#stage = stage;
    this.#stream = new RtpStream({
      ...sending,
      extension: () => extension(this.latency),
      onHeavyLoss: () => this.#skipToKeyframe(),
    });
    const newest = stage.recent().at(-1);
    if (newest === undefined) {
      this.wantKeyframe();
      return;
    }
    // The viewer's DTLS may not be done yet and lose this. As soon as it can read, it says that it cannot decode.
    this.#needsKeyframe = false;
    this.show(newest);
  }

  show(picture: Picture): void {
    this.#stream.setClock(picture.timestamp, picture.unit.receivedUs);
    if (picture.isKeyframe) this.#needsKeyframe = false;
    if (this.#needsKeyframe) {
      if (this.#begun) this.droppedPictures += 1;
      return;
    }
    this.#begun = true;
    this.#push(picture, picture.timestamp, livePace);
    if (this.#stream.waitingBytes > mostWaitingBytes) this.#skipToKeyframe();
    this.#stream.flush();
  }

  /** The viewer has lost these packets: 16-bit sequence numbers. */
  repeat(sequences: readonly number[]): void {
    this.#stage.countRepeated(this.#stream.repeat(sequences));
  }

  /** The viewer cannot decode what it has. */
  wantKeyframe(): void {
    if (this.#stream.isWaiting) return;
    const now = nowUs();
    if (now - this.#replayedUs >= replayEveryUs && this.#replay(now - this.#beganUs < newUs)) {
      this.#replayedUs = now;
    } else if (Math.min(now - this.#keyframeUs, now - this.#replayedUs) >= keyframeEveryUs) {
      this.#keyframeUs = now;
      this.#stage.wantKeyframe();
    }
  }

  [Symbol.dispose](): void {
    this.#stream[Symbol.dispose]();
  }

  /**
   * Sends the newest GOP once more. A new viewer plays it as fast as it comes: its pictures get times that are as far
   * apart as they are sent, and the last one keeps its own. One who has seen newer ones gets them between two pictures.
   */
  #replay(isNew: boolean): boolean {
    const recent = this.#stage.recent();
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
    this.#stream.flush();
    return true;
  }

  #push({ payloads, unit }: Picture, timestamp: number, pace: number): void {
    this.#stream.push({ payloads, bytes: unit.avcc.length, timestamp, pace });
  }

  #skipToKeyframe(): void {
    this.droppedPictures += this.#stream.skip();
    this.#needsKeyframe = true;
  }
}

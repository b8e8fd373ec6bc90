import type { SourceCounters } from "../../domain/status.ts";
import type { Unit } from "../../domain/media.ts";
import { nowUs } from "../../lib/clock.ts";
import { Depacketizer } from "../../media/depacketizer.ts";
import type { LossPolicy } from "../../media/depacketizer.ts";
import { parseSpropParameterSets } from "../../media/h264.ts";
import { AudioSynchronizer } from "../../media/audio-sync.ts";
import { ReceptionStatistics } from "../../media/reception.ts";
import { ReorderWindow } from "../../media/reorder.ts";
import type { OfferedMedia } from "../../media/sdp.ts";
import type { RtpPacket, SrtpReceiver } from "../../media/srtp.ts";
import type { Timeline } from "../../media/timeline.ts";

/** What the receiver wants sent back to the camera. */
export interface Feedback {
  requestKeyframe(ssrc: number): void;
  /** Asks for lost packets again: their 16-bit sequence numbers. */
  requestPackets(ssrc: number, sequences: readonly number[]): void;
  report(ssrc: number, statistics: ReceptionStatistics): void;
}

export interface MediaReceiverOptions {
  readonly offer: readonly OfferedMedia[];
  readonly onLoss: LossPolicy;
  readonly emit: (unit: Unit) => void;
  readonly feedback: Feedback;
  /** Carries a camera's clock over its reconnections; belongs to the source. */
  readonly timeline: Timeline;
}

/** WiFi and switches between camera and us recover a packet within two round trips or never. */
const reorder = { windowUs: 120_000, tries: 8, retryUs: 20_000 };
const pollMs = 10;
/** As browsers do. */
const keyframeRequestUs = 200_000;
const reportMs = 1000;
const heldDatagrams = 2048;

/**
 * From the camera's datagrams to units: SRTP, order, access units, time. It is handed every media datagram of one
 * WebRTC session, and asks for what is missing.
 */
export class MediaReceiver implements Disposable {
  readonly #options: MediaReceiverOptions;
  readonly #videoTypes: ReadonlySet<number>;
  readonly #audioTypes: ReadonlySet<number>;
  readonly #depacketizer: Depacketizer;
  readonly #order: ReorderWindow;
  readonly #statistics = new ReceptionStatistics(90_000);
  readonly #audio: AudioSynchronizer;
  readonly #reportTimer: NodeJS.Timeout;
  /** Datagrams that came before the keys did: the first IDR may be among them. */
  #held: Buffer[] = [];
  #srtp: SrtpReceiver | undefined;
  #pollTimer: NodeJS.Timeout | undefined;
  #videoSsrc: number | undefined;
  #audioNewest: RtpPacket | undefined;
  #arrivalUs = 0;
  #requestedUs = Number.NEGATIVE_INFINITY;
  #restartsSeen = -1;
  #units = 0;
  #keyframes = 0;
  #bytes = 0;
  #refused = 0;
  #keyframeRequests = 0;

  constructor(options: MediaReceiverOptions) {
    this.#options = options;
    this.#videoTypes = payloadTypes(options.offer, "video", "h264");
    this.#audioTypes = payloadTypes(options.offer, "audio", "opus");
    this.#audio = new AudioSynchronizer(options.timeline);
    this.#depacketizer = new Depacketizer(options.onLoss, {
      emit: (unit, timestamp, packets, damaged) => {
        const restarted = this.#restartsSeen !== this.#order.counters.restarts;
        this.#restartsSeen = this.#order.counters.restarts;
        const ptsUs = options.timeline.toSessionUs(timestamp, this.#arrivalUs, restarted);
        this.#units += 1;
        if (unit.keyframe) this.#keyframes += 1;
        options.emit({
          kind: "video",
          ptsUs,
          dtsUs: ptsUs,
          rtpTimestamp: timestamp,
          receivedUs: this.#arrivalUs,
          keyframe: unit.keyframe,
          nalus: unit.nalus,
          avcc: unit.avcc,
          packets,
          ...(damaged && { damaged }),
        });
      },
      wantKeyframe: () => this.requestKeyframe(),
    });
    this.#order = new ReorderWindow(reorder, (packet, gap) => this.#depacketizer.push(packet, gap));
    for (const { codecs } of options.offer) {
      for (const codec of codecs) {
        const sets = codec.parameters.get("sprop-parameter-sets");
        if (codec.name === "h264" && sets !== undefined) {
          this.#depacketizer.setParameterSets(parseSpropParameterSets(sets));
        }
      }
    }
    this.#reportTimer = setInterval(() => this.#report(), reportMs);
  }

  /** The DTLS handshake is done: from now on datagrams can be read, those that waited first. */
  start(srtp: SrtpReceiver): void {
    this.#srtp = srtp;
    const held = this.#held;
    this.#held = [];
    for (const datagram of held) this.push(datagram);
    this.requestKeyframe();
  }

  push(datagram: Buffer): void {
    if (this.#srtp === undefined) {
      if (this.#held.length < heldDatagrams) this.#held.push(datagram);
      return;
    }
    const packet = this.#srtp.unprotect(datagram);
    if (typeof packet === "string") {
      this.#refused += 1;
      return;
    }
    this.#arrivalUs = nowUs();
    this.#bytes += datagram.length;
    if (this.#videoTypes.has(packet.payloadType)) this.#pushVideo(packet);
    else if (this.#audioTypes.has(packet.payloadType)) this.#pushAudio(packet);
    else this.#refused += 1;
  }

  /** What a sender report says: the camera's wall clock at one RTP timestamp. */
  noteSenderReport(ssrc: number, ntpUs: number, rtpTimestamp: number): void {
    this.#audio.noteSenderReport(ssrc === this.#videoSsrc ? "video" : "audio", ntpUs, rtpTimestamp);
  }

  requestKeyframe(): void {
    const now = nowUs();
    if (this.#videoSsrc === undefined || now - this.#requestedUs < keyframeRequestUs) return;
    this.#requestedUs = now;
    this.#keyframeRequests += 1;
    this.#options.feedback.requestKeyframe(this.#videoSsrc);
  }

  get counters(): SourceCounters {
    const order = this.#order.counters;
    return {
      units: this.#units,
      keyframes: this.#keyframes,
      bytes: this.#bytes,
      packets: order.received,
      lostPackets: order.lost,
      recoveredPackets: order.recovered,
      discardedPackets: order.discarded + this.#refused + this.#depacketizer.counters.refusedPayloads,
      droppedUnits: this.#depacketizer.counters.droppedUnits,
      restarts: order.restarts,
      keyframeRequests: this.#keyframeRequests,
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#reportTimer);
    clearInterval(this.#pollTimer);
  }

  #pushVideo(packet: RtpPacket): void {
    const isNew = this.#videoSsrc !== packet.ssrc;
    this.#videoSsrc = packet.ssrc;
    if (isNew) this.requestKeyframe();
    this.#statistics.add(packet.index, packet.timestamp, this.#arrivalUs);
    this.#order.push(packet, this.#arrivalUs);
    if (this.#order.isWaiting) this.#pollTimer ??= setInterval(() => this.#poll(), pollMs);
  }

  #pushAudio(packet: RtpPacket): void {
    if (this.#audioNewest?.ssrc === packet.ssrc && packet.index <= this.#audioNewest.index) {
      this.#refused += 1; // too late to be heard
      return;
    }
    this.#audioNewest = packet;
    const payload = packet.data.subarray(packet.payloadStart, packet.payloadEnd);
    const ptsUs = this.#audio.toSessionUs(packet.timestamp, packet.ssrc, this.#arrivalUs);
    if (payload.length > 0) this.#options.emit({ kind: "audio", ptsUs, codec: "opus", payload });
  }

  #poll(): void {
    const lost = this.#order.poll(nowUs());
    if (lost.length > 0 && this.#videoSsrc !== undefined) {
      this.#options.feedback.requestPackets(
        this.#videoSsrc,
        lost.map((index) => index % 0x1_0000),
      );
    }
    if (this.#order.isWaiting) return;
    clearInterval(this.#pollTimer);
    this.#pollTimer = undefined;
  }

  #report(): void {
    if (this.#videoSsrc !== undefined) this.#options.feedback.report(this.#videoSsrc, this.#statistics);
    if (this.#keyframes === 0) this.requestKeyframe();
  }
}

function payloadTypes(offer: readonly OfferedMedia[], kind: string, name: string): ReadonlySet<number> {
  const codecs = offer.filter((media) => media.kind === kind).flatMap((media) => media.codecs);
  return new Set(codecs.filter((codec) => codec.name === name).map((codec) => codec.payloadType));
}

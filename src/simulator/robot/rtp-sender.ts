import { randomInt } from "node:crypto";
import {
  RtcpSenderInfo,
  RtcpSourceDescriptionPacket,
  RtcpSrPacket,
  RtpHeader,
  SourceDescriptionChunk,
} from "werift";
import { SourceDescriptionItem } from "werift";

export interface RtpSenderOptions {
  readonly payloadType: number;
  /** Ticks of the media clock per second. */
  readonly clockRate: number;
  readonly startSequence: number | undefined;
  readonly startTimestamp: number | undefined;
  /** Protects one packet (SRTP). */
  readonly encrypt: (payload: Buffer, header: RtpHeader) => Buffer;
  readonly send: (packet: Buffer) => void;
}

/** How far back a packet can be asked for again: more than two seconds of 8 Mbit/s. */
const historyLength = 2048;

/**
 * One RTP stream to one viewer: numbers and protects packets, remembers the last ones, and sends those again that the
 * viewer asks for, byte for byte as they were. Media times count from the stream's first packet, in seconds.
 */
export class RtpSender {
  readonly #options: RtpSenderOptions;
  readonly #header: RtpHeader;
  #history: (Buffer | undefined)[] = [];
  #firstTimestamp: number;
  #firstSeconds: number | undefined;
  #packets = 0;
  #octets = 0;

  constructor(options: RtpSenderOptions) {
    this.#options = options;
    this.#header = new RtpHeader({
      payloadType: options.payloadType,
      ssrc: randomInt(1, 2 ** 32),
      sequenceNumber: options.startSequence ?? randomInt(2 ** 16),
    });
    this.#firstTimestamp = options.startTimestamp ?? randomInt(2 ** 32);
  }

  get ssrc(): number {
    return this.#header.ssrc;
  }

  /** The RTP timestamp of a media time. */
  timestampAt(seconds: number): number {
    this.#firstSeconds ??= seconds;
    const ticks = Math.round((seconds - this.#firstSeconds) * this.#options.clockRate);
    return (this.#firstTimestamp + ticks) % 2 ** 32;
  }

  send(payload: Uint8Array, marker: boolean, timestamp: number): void {
    const header = this.#header;
    header.marker = marker;
    header.timestamp = timestamp;
    const packet = this.#options.encrypt(asBuffer(payload), header);
    this.#history[header.sequenceNumber % historyLength] = packet;
    header.sequenceNumber = (header.sequenceNumber + 1) % 2 ** 16;
    this.#packets += 1;
    this.#octets += payload.length;
    this.#options.send(packet);
  }

  /** Sends again what is still remembered of `sequenceNumbers`. */
  sendAgain(sequenceNumbers: readonly number[]): void {
    for (const sequence of sequenceNumbers) {
      const packet = this.#history[sequence % historyLength];
      if (packet?.readUInt16BE(2) === sequence) this.#options.send(packet);
    }
  }

  /** As a device that was switched off and on: new SSRC, sequence and timestamp, nothing remembered. */
  restart(): void {
    this.#header.ssrc = randomInt(1, 2 ** 32);
    this.#header.sequenceNumber = randomInt(2 ** 16);
    this.#firstTimestamp = randomInt(2 ** 32);
    this.#firstSeconds = undefined;
    this.#history = [];
    this.#packets = 0;
    this.#octets = 0;
  }

  /** A sender report (RFC 3550, 6.4.1) that says which timestamp belongs to which time of day, and who speaks. */
  report(
    seconds: number,
    unixSeconds: number,
    cname: string,
  ): readonly [RtcpSrPacket, RtcpSourceDescriptionPacket] {
    const item = new SourceDescriptionItem({ type: 1, text: cname });
    return [
      new RtcpSrPacket({
        ssrc: this.ssrc,
        senderInfo: new RtcpSenderInfo({
          ntpTimestamp: ntpTimestamp(unixSeconds),
          rtpTimestamp: this.timestampAt(seconds),
          packetCount: this.#packets,
          octetCount: this.#octets % 2 ** 32,
        }),
      }),
      new RtcpSourceDescriptionPacket({
        chunks: [new SourceDescriptionChunk({ source: this.ssrc, items: [item] })],
      }),
    ];
  }
}

/** Seconds since 1970 as NTP has them: since 1900, with 32 binary places. */
function ntpTimestamp(unixSeconds: number): bigint {
  const secondsFrom1900To1970 = 2_208_988_800;
  const whole = Math.floor(unixSeconds);
  return (BigInt(whole + secondsFrom1900To1970) << 32n) | BigInt(Math.floor((unixSeconds - whole) * 2 ** 32));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

import { Fault } from "../domain/fault.ts";
import { nowUs } from "../lib/clock.ts";
import { avcHeaderLength } from "../media/flv.ts";
import { nalType } from "../media/h264.ts";

/** What an ingest has received, over all its connections, and what Twitch would mind about it. */
export interface IngestReport {
  /** Streams that were accepted. */
  readonly connections: number;
  /** Streams that were refused, for whatever reason. */
  readonly refused: number;
  readonly frames: number;
  readonly keyframes: number;
  readonly audioUnits: number;
  /** AVC sequence headers: one for each connection, and one more for each change of the picture. */
  readonly sequenceHeaders: number;
  readonly bytes: number;
  /** Media time from one IDR (NAL type 5) to the next, milliseconds. */
  readonly idrSpacingMs: { readonly max: number };
  /** Longest media time from one picture to the next, milliseconds. */
  readonly largestGapMs: number;
  readonly fps: number;
  readonly mbps: number;
  /** Pictures and sounds whose timestamp does not go on from the one before. */
  readonly timestampErrors: number;
  /** Pictures that are shown at another time than they are decoded: B-frames. */
  readonly reorderedFrames: number;
  /** Whether sound came before or with the first picture of every connection. */
  readonly audioFromStart: boolean;
  /** On the monotonic clock of this process. */
  readonly firstFrameAtUs: number | undefined;
  readonly lastFrameAtUs: number | undefined;
  /** One sentence for each thing that Twitch would mind, once. */
  readonly remarks: readonly string[];
}

const windowMs = 5000;
const mostKilobits = 6000;
const mostIdrSpacingMs = 2500;
const silenceMs = 500;
const mostFps = 61;

/** Judges what arrives against what Twitch asks for: H.264 without B-frames, an IDR every 2 s, AAC, 6000 kbit/s. */
export class IngestJudge {
  readonly #remarks = new Set<string>();
  readonly #counts = {
    connections: 0,
    refused: 0,
    frames: 0,
    keyframes: 0,
    audioUnits: 0,
    sequenceHeaders: 0,
    bytes: 0,
  };
  readonly #faults = { timestampErrors: 0, reorderedFrames: 0 };
  #largestGapMs = 0;
  #mediaMs = 0;
  #intervals = 0;
  #maxIdrSpacingMs = 0;
  #audioFromStart = true;
  #firstFrameAtUs: number | undefined;
  #lastFrameAtUs: number | undefined;

  /** What is to be handed in again with each message of the new connection. */
  beginConnection(): ConnectionRecord {
    this.#counts.connections += 1;
    return new ConnectionRecord();
  }

  /** Adds a sentence of the ingest's own. */
  remark(text: string): void {
    this.#remarks.add(text);
  }

  countRefusal(): void {
    this.#counts.refused += 1;
  }

  /** Takes the payload of a video message. Throws a `Fault` (`malformed`) when it is not FLV video. */
  video(connection: ConnectionRecord, timestamp: number, payload: Buffer): void {
    this.#counts.bytes += payload.length;
    if (payload.length < avcHeaderLength)
      throw new Fault("malformed", "Expected at least 5 bytes in a video message.");
    if ((payload.readUInt8(0) & 0x0f) !== 7) this.remark("The video is not H.264.");
    const packetType = payload[1];
    if (packetType === 0) {
      this.#sequenceHeader(connection, payload);
      return;
    }
    if (packetType !== 1) return;
    if (connection.sequenceHeader === undefined)
      this.remark("A picture came before the AVC sequence header.");
    const idr = hasIdr(payload, avcHeaderLength, connection.lengthBytes);
    this.#counts.frames += 1;
    this.#lastFrameAtUs = nowUs();
    this.#firstFrameAtUs ??= this.#lastFrameAtUs;
    if (connection.lastVideoMs === undefined) this.#firstPicture(connection, idr);
    else this.#nextPicture(connection, timestamp, connection.lastVideoMs);
    if (idr) {
      this.#counts.keyframes += 1;
      connection.lastIdrMs = timestamp;
    }
    if (payload.readIntBE(2, 3) !== 0) {
      this.#faults.reorderedFrames += 1;
      this.remark("The stream has B-frames (composition times other than 0).");
    }
    connection.lastVideoMs = timestamp;
    this.#judgeRate(connection, timestamp, payload.length);
  }

  /** Takes the payload of an audio message. */
  audio(connection: ConnectionRecord, timestamp: number, payload: Buffer): void {
    this.#counts.bytes += payload.length;
    if ((payload[0] ?? 0) >> 4 !== 10) this.remark("The sound is not AAC.");
    if (payload[1] === 0) {
      connection.hasAacConfiguration = true;
      return;
    }
    if (!connection.hasAacConfiguration) this.remark("Sound came before the AAC sequence header.");
    if (connection.lastAudioMs !== undefined && timestamp < connection.lastAudioMs) {
      this.#faults.timestampErrors += 1;
      this.remark("The sound's timestamps go backwards.");
    }
    connection.lastAudioMs = timestamp;
    this.#counts.audioUnits += 1;
  }

  report(): IngestReport {
    const seconds = this.#mediaMs / 1000;
    return {
      ...this.#counts,
      ...this.#faults,
      idrSpacingMs: { max: this.#maxIdrSpacingMs },
      largestGapMs: this.#largestGapMs,
      fps: seconds === 0 ? 0 : this.#intervals / seconds,
      mbps: seconds === 0 ? 0 : (this.#counts.bytes * 8) / seconds / 1e6,
      audioFromStart: this.#audioFromStart,
      firstFrameAtUs: this.#firstFrameAtUs,
      lastFrameAtUs: this.#lastFrameAtUs,
      remarks: [...this.#remarks],
    };
  }

  #sequenceHeader(connection: ConnectionRecord, payload: Buffer): void {
    this.#counts.sequenceHeaders += 1;
    connection.lengthBytes = ((payload[avcHeaderLength + 4] ?? 3) & 3) + 1;
    if (connection.sequenceHeader?.equals(payload) === true) {
      this.remark("The same AVC sequence header was sent again: some servers cut the stream there.");
    }
    connection.sequenceHeader = payload;
  }

  #firstPicture(connection: ConnectionRecord, idr: boolean): void {
    if (!idr) this.remark("The first picture is not an IDR: viewers see nothing until the first one.");
    if (connection.lastAudioMs === undefined) this.#audioFromStart = false;
  }

  #nextPicture(connection: ConnectionRecord, timestamp: number, before: number): void {
    const stepMs = timestamp - before;
    if (stepMs <= 0) {
      this.#faults.timestampErrors += 1;
      this.remark("The pictures' timestamps do not strictly increase.");
      return;
    }
    this.#intervals += 1;
    this.#mediaMs += stepMs;
    this.#largestGapMs = Math.max(this.#largestGapMs, stepMs);
    connection.mediaMs += stepMs;
    if (connection.mediaMs > silenceMs && connection.lastAudioMs === undefined)
      this.remark("There is no sound.");
    const sinceIdrMs = timestamp - (connection.lastIdrMs ?? timestamp);
    if (sinceIdrMs > this.#maxIdrSpacingMs) this.#maxIdrSpacingMs = sinceIdrMs;
    if (sinceIdrMs > mostIdrSpacingMs) this.remark("IDR pictures are more than 2 s apart.");
  }

  #judgeRate(connection: ConnectionRecord, timestamp: number, bytes: number): void {
    connection.windowStartMs ??= timestamp;
    const elapsedMs = timestamp - connection.windowStartMs;
    if (elapsedMs >= windowMs) {
      const kilobits = (connection.windowBytes * 8) / elapsedMs;
      if (kilobits > mostKilobits) this.remark(`The video has more than ${mostKilobits} kbit/s.`);
      if ((connection.windowFrames * 1000) / elapsedMs > mostFps)
        this.remark("There are more than 60 pictures a second.");
      connection.windowStartMs = timestamp;
      connection.windowBytes = 0;
      connection.windowFrames = 0;
    }
    connection.windowBytes += bytes;
    connection.windowFrames += 1;
  }
}

/** What must be remembered of one connection. */
export class ConnectionRecord {
  sequenceHeader: Buffer | undefined;
  lengthBytes = 4;
  hasAacConfiguration = false;
  lastVideoMs: number | undefined;
  lastAudioMs: number | undefined;
  lastIdrMs: number | undefined;
  mediaMs = 0;
  windowStartMs: number | undefined;
  windowBytes = 0;
  windowFrames = 0;
}

/** Looks for NAL type 5 in an AVCC block, whatever the FLV frame type says. */
function hasIdr(payload: Buffer, start: number, lengthBytes: number): boolean {
  let offset = start;
  while (offset + lengthBytes < payload.length) {
    const length = payload.readUIntBE(offset, lengthBytes);
    if (((payload[offset + lengthBytes] ?? 0) & 0x1f) === nalType.idr) return true;
    offset += lengthBytes + length;
  }
  return false;
}

import { Fault } from "../domain/fault.ts";
import { messageType, noBytes, type IncomingMessage } from "./message.ts";

const extendedMark = 0xffffff;
const largestChunkSize = 0xffffff;
/** Bytes of the message header after the basic header, by chunk format. */
const headerLengths = [11, 7, 3, 0] as const;

export interface ChunkLimits {
  /** Longest message that is accepted, bytes. */
  readonly messageBytes: number;
  /** Most chunk streams a peer may open. */
  readonly chunkStreams: number;
}

interface ChunkStream {
  timestamp: number;
  /** What a format 3 chunk that begins a message adds to the timestamp. */
  delta: number;
  extended: boolean;
  length: number;
  type: number;
  streamId: number;
  /** The message that is being put together, if any. */
  payload: Buffer | undefined;
  filled: number;
}

/**
 * Puts messages together from chunks (Adobe RTMP Specification 1.0, section 5.3), however the bytes are cut. Set
 * Chunk Size and Abort are obeyed here and not handed on. Memory is bounded by `limits`.
 */
export class ChunkReader {
  readonly #limits: ChunkLimits;
  readonly #onMessage: (message: IncomingMessage) => void;
  readonly #streams = new Map<number, ChunkStream>();
  #chunkSize = 128;
  #headerStart = noBytes;
  #open: ChunkStream | undefined;
  #leftInChunk = 0;

  constructor(limits: ChunkLimits, onMessage: (message: IncomingMessage) => void) {
    this.#limits = limits;
    this.#onMessage = onMessage;
  }

  /** Takes the next received bytes. Throws a `Fault` (`protocol-error`) at the first violation; it is useless after. */
  push(bytes: Buffer): void {
    const data = this.#headerStart.length === 0 ? bytes : Buffer.concat([this.#headerStart, bytes]);
    this.#headerStart = noBytes;
    let offset = 0;
    for (;;) {
      if (this.#open !== undefined) {
        offset += this.#fill(this.#open, data, offset);
        if (this.#leftInChunk > 0) return;
        this.#finishChunk(this.#open);
      }
      const next = this.#readHeader(data, offset);
      if (next === undefined) {
        this.#headerStart = Buffer.from(data.subarray(offset));
        return;
      }
      offset = next;
    }
  }

  #fill(stream: ChunkStream, data: Buffer, offset: number): number {
    const end = Math.min(data.length, offset + this.#leftInChunk);
    if (stream.payload !== undefined) data.copy(stream.payload, stream.filled, offset, end);
    stream.filled += end - offset;
    this.#leftInChunk -= end - offset;
    return end - offset;
  }

  #finishChunk(stream: ChunkStream): void {
    this.#open = undefined;
    const { payload, type, streamId, timestamp } = stream;
    if (payload === undefined || stream.filled < payload.length) return;
    stream.payload = undefined;
    if (type === messageType.setChunkSize) this.#chunkSize = this.#parseChunkSize(payload);
    else if (type === messageType.abort) {
      const aborted = this.#streams.get(readNumber(payload, "Abort"));
      if (aborted !== undefined) aborted.payload = undefined;
    } else this.#onMessage({ type, streamId, timestamp, payload });
  }

  #parseChunkSize(payload: Buffer): number {
    const size = readNumber(payload, "Set Chunk Size");
    if (size < 1 || size > 0x7fffffff) {
      throw new Fault("protocol-error", `Expected a chunk size from 1 to 2147483647, got ${size}.`);
    }
    return Math.min(size, largestChunkSize);
  }

  /** Reads one chunk header at `start`; gives the offset after it, or undefined when it is not complete yet. */
  #readHeader(data: Buffer, start: number): number | undefined {
    const first = data[start];
    if (first === undefined) return undefined;
    const format = (first >> 6) as 0 | 1 | 2 | 3;
    const shortId = first & 0x3f;
    const idLength = shortId > 1 ? 1 : shortId + 2;
    const headerAt = start + idLength;
    if (data.length < headerAt) return undefined;
    const id =
      shortId > 1
        ? shortId
        : shortId === 0
          ? 64 + data.readUInt8(start + 1)
          : 64 + data.readUInt16LE(start + 1);
    const known = this.#streams.get(id);

    const headerLength = headerLengths[format];
    const fieldsEnd = headerAt + headerLength;
    if (data.length < fieldsEnd) return undefined;
    const field = format === 3 ? undefined : data.readUIntBE(headerAt, 3);
    const extended = field === undefined ? known?.extended === true : field === extendedMark;
    const end = fieldsEnd + (extended ? 4 : 0);
    if (data.length < end) return undefined;

    const stream = known ?? this.#openStream(id, format);
    const time = extended ? data.readUInt32BE(fieldsEnd) : (field ?? stream.delta);
    if (format === 3 && stream.payload !== undefined) return this.#continue(stream, end);
    if (stream.payload !== undefined) {
      throw new Fault(
        "protocol-error",
        `A new message began on chunk stream ${id} before the last one was complete.`,
      );
    }
    stream.extended = extended;
    stream.delta = time;
    stream.timestamp = format === 0 ? time : (stream.timestamp + time) >>> 0;
    if (format <= 1) {
      stream.length = data.readUIntBE(headerAt + 3, 3);
      stream.type = data.readUInt8(headerAt + 6);
    }
    if (format === 0) stream.streamId = data.readUInt32LE(headerAt + 7);
    if (stream.length > this.#limits.messageBytes) {
      const limit = this.#limits.messageBytes;
      throw new Fault(
        "protocol-error",
        `Expected messages of at most ${limit} bytes, got one of ${stream.length}.`,
      );
    }
    stream.payload = stream.length === 0 ? noBytes : Buffer.allocUnsafeSlow(stream.length);
    stream.filled = 0;
    return this.#continue(stream, end);
  }

  #continue(stream: ChunkStream, offset: number): number {
    this.#open = stream;
    this.#leftInChunk = Math.min(this.#chunkSize, stream.length - stream.filled);
    return offset;
  }

  #openStream(id: number, format: number): ChunkStream {
    // Format 1 is let through: librtmp begins its control stream with it.
    if (format > 1)
      throw new Fault("protocol-error", `Chunk stream ${id} began with a chunk of format ${format}.`);
    if (this.#streams.size >= this.#limits.chunkStreams) {
      throw new Fault("protocol-error", `Expected at most ${this.#limits.chunkStreams} chunk streams.`);
    }
    const stream = {
      timestamp: 0,
      delta: 0,
      extended: false,
      length: 0,
      type: 0,
      streamId: 0,
      payload: undefined,
      filled: 0,
    };
    this.#streams.set(id, stream);
    return stream;
  }
}

/** The 32-bit number that is the payload of most control messages. */
export function readNumber(payload: Buffer, name: string): number {
  if (payload.length < 4) {
    throw new Fault("protocol-error", `Expected 4 bytes in a ${name} message, got ${payload.length}.`);
  }
  return payload.readUInt32BE(0);
}

import { noBytes, type OutgoingMessage } from "./message.ts";

const extendedMark = 0xffffff;
const initialChunkSize = 128;
const longestHeader = 1 + 11 + 4;
const longestContinuation = 1 + 4;

interface Written {
  timestamp: number;
  streamId: number;
}

/**
 * Writes messages as chunks (Adobe RTMP Specification 1.0, section 5.3). Several messages go into one buffer, so that
 * a picture with its sound costs one write. The first message of a chunk stream has a full header (format 0), the
 * following ones a time difference (format 1).
 */
export class ChunkWriter {
  readonly #written = new Map<number, Written>();
  #chunkSize = initialChunkSize;

  /** From the next message on. The peer must have been told by a Set Chunk Size message before. */
  set chunkSize(size: number) {
    this.#chunkSize = size;
  }

  /** Composes the messages into `scratch` if they fit, otherwise into a new buffer; gives exactly the bytes to send. */
  compose(messages: readonly OutgoingMessage[], streamId: number, scratch: Buffer = noBytes): Buffer {
    let room = 0;
    for (const message of messages) room += this.#atMost(message.head.length + message.body.length);
    const target = scratch.length >= room ? scratch : Buffer.allocUnsafe(room);
    let offset = 0;
    for (const message of messages) offset = this.#write(message, streamId, target, offset);
    return target.subarray(0, offset);
  }

  #atMost(length: number): number {
    return longestHeader + length + Math.floor(length / this.#chunkSize) * longestContinuation;
  }

  #write(message: OutgoingMessage, streamId: number, target: Buffer, start: number): number {
    const { chunkStream, head, body } = message;
    const timestamp = message.timestamp >>> 0;
    const before = this.#written.get(chunkStream);
    const delta = before === undefined ? extendedMark : (timestamp - before.timestamp) >>> 0;
    // A step back, or of more than 4.6 hours, is said as an absolute time.
    const full = before?.streamId !== streamId || delta >= extendedMark;
    const time = full ? timestamp : delta;
    const extended = time >= extendedMark;

    let offset = start;
    target[offset] = full ? chunkStream : 0x40 | chunkStream;
    target.writeUIntBE(extended ? extendedMark : time, offset + 1, 3);
    target.writeUIntBE(head.length + body.length, offset + 4, 3);
    target[offset + 7] = message.type;
    offset += 8;
    if (full) offset = target.writeUInt32LE(streamId, offset); // the one little-endian field of RTMP
    if (extended) offset = target.writeUInt32BE(time, offset);
    if (before === undefined) this.#written.set(chunkStream, { timestamp, streamId });
    else {
      before.timestamp = timestamp;
      before.streamId = streamId;
    }
    const continuation = { mark: 0xc0 | chunkStream, time: extended ? time : undefined };
    offset = this.#copy(head, 0, target, offset, continuation);
    return this.#copy(body, head.length, target, offset, continuation);
  }

  /** Copies one part of a payload, `done` bytes of which are written, with a format 3 header at each chunk's begin. */
  #copy(
    part: Uint8Array,
    done: number,
    target: Buffer,
    start: number,
    continuation: { readonly mark: number; readonly time: number | undefined },
  ): number {
    let offset = start;
    let taken = 0;
    while (taken < part.length) {
      const inChunk = (done + taken) % this.#chunkSize;
      if (inChunk === 0 && done + taken > 0) {
        target[offset] = continuation.mark;
        offset += 1;
        if (continuation.time !== undefined) offset = target.writeUInt32BE(continuation.time, offset);
      }
      const end = Math.min(part.length, taken + this.#chunkSize - inChunk);
      target.set(taken === 0 && end === part.length ? part : part.subarray(taken, end), offset);
      offset += end - taken;
      taken = end;
    }
    return offset;
  }
}

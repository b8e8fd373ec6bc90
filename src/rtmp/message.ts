/** Message types and well-known chunk streams. Source: Adobe RTMP Specification 1.0, sections 5.4, 6.2 and 7.1. */
export const messageType = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAcknowledgementSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf0: 18,
  commandAmf0: 20,
} as const;

/** Chunk streams that we write to; 2 is fixed by the specification, the others are ours to choose. */
export const chunkStream = { control: 2, command: 3, audio: 4, data: 5, video: 6 } as const;

/** A message as it was received, put together from its chunks. The payload is the receiver's own memory. */
export interface IncomingMessage {
  readonly type: number;
  readonly streamId: number;
  /** Milliseconds, modulo 2^32. */
  readonly timestamp: number;
  readonly payload: Buffer;
}

/** A message to be written. Its payload is `head` followed by `body`, so that neither has to be copied to join them. */
export interface OutgoingMessage {
  /** 2 to 63. */
  readonly chunkStream: number;
  readonly type: number;
  /** Milliseconds; written modulo 2^32. */
  readonly timestamp: number;
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

export const noBytes: Buffer = Buffer.alloc(0);

/** One of the control messages whose payload is a single 32-bit number. */
export function controlMessage(type: number, value: number): OutgoingMessage {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(value >>> 0);
  return { chunkStream: chunkStream.control, type, timestamp: 0, head, body: noBytes };
}

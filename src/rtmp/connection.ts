import type { Duplex } from "node:stream";
import { toFault, type Fault } from "../domain/fault.ts";
import { ChunkReader, readNumber, type ChunkLimits } from "./chunk-reader.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { Handshake } from "./handshake.ts";
import {
  chunkStream,
  controlMessage,
  messageType,
  noBytes,
  type IncomingMessage,
  type OutgoingMessage,
} from "./message.ts";

export interface ConnectionOptions {
  readonly role: "client" | "server";
  readonly limits: ChunkLimits;
  /** False makes a peer that never acknowledges what it received. */
  readonly acknowledge?: boolean;
}

export interface ConnectionEvents {
  onHandshakeDone(): void;
  /** Every message but those that the connection answers itself: acknowledgements, windows, pings. */
  onMessage(message: IncomingMessage): void;
  /** Called once, when the peer closed, the stream failed, or the peer broke the protocol (then with a fault). */
  onClosed(fault: Fault | undefined): void;
}

const pingRequest = 6;
const pingResponse = 7;

/**
 * One RTMP connection over a duplex stream, from either side: handshake, chunks, acknowledgements in both directions
 * and answers to pings. The stream must have taken or copied what was written once its `writableLength` is 0, as
 * TCP and TLS sockets have: the memory is then used again for the next picture.
 */
export class RtmpConnection {
  readonly #stream: Duplex;
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  readonly #handshake: Handshake;
  readonly #reader: ChunkReader;
  readonly #writer = new ChunkWriter();
  #scratch = noBytes;
  #handshakeDone = false;
  #closed = false;
  #receivedBytes = 0;
  #sentBytes = 0;
  #window = Infinity;
  #acknowledgedUpTo = 0;
  #peerAcknowledged: number | undefined;

  constructor(stream: Duplex, options: ConnectionOptions, events: ConnectionEvents) {
    this.#stream = stream;
    this.#options = options;
    this.#events = events;
    this.#handshake = new Handshake(options.role);
    this.#reader = new ChunkReader(options.limits, (message) => this.#receive(message));
    stream.on("data", (bytes: Buffer) => this.#take(bytes));
    stream.on("error", () => this.#close(undefined));
    stream.on("end", () => this.#close(undefined));
    stream.on("close", () => this.#close(undefined));
    const hello = this.#handshake.hello();
    if (hello.length > 0) stream.write(hello);
  }

  /** Bytes sent after the handshake, whether the network has taken them or not. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Bytes of ours that the peer says it received; undefined if it never said so. */
  get acknowledgedBytes(): number | undefined {
    return this.#peerAcknowledged;
  }

  /** Sends messages of one message stream with a single write. */
  send(messages: readonly OutgoingMessage[], streamId = 0): void {
    if (this.#closed || this.#stream.writableEnded) return;
    const bytes = this.#writer.compose(messages, streamId, this.#scratch);
    this.#sentBytes += bytes.length;
    this.#stream.write(bytes);
    this.#scratch = this.#stream.writableLength === 0 ? grown(this.#scratch, bytes) : noBytes;
  }

  /** Tells the peer our chunk size, bytes, and uses it from the next message on. */
  setChunkSize(size: number): void {
    this.send([controlMessage(messageType.setChunkSize, size)]);
    this.#writer.chunkSize = size;
  }

  #take(bytes: Buffer): void {
    if (this.#closed) return;
    try {
      let rest = bytes;
      if (!this.#handshakeDone) {
        const step = this.#handshake.push(bytes);
        if (step.reply.length > 0) this.#stream.write(step.reply);
        if (!step.done) return;
        this.#handshakeDone = true;
        this.#events.onHandshakeDone();
        rest = step.rest;
      }
      this.#receivedBytes += rest.length;
      this.#reader.push(rest);
      this.#acknowledge();
    } catch (error) {
      this.#close(toFault(error, "protocol-error"));
      this.#stream.destroy();
    }
  }

  #acknowledge(): void {
    if (this.#options.acknowledge === false) return;
    if (this.#receivedBytes - this.#acknowledgedUpTo < this.#window) return;
    this.#acknowledgedUpTo = this.#receivedBytes;
    this.send([controlMessage(messageType.acknowledgement, this.#receivedBytes)]);
  }

  #receive(message: IncomingMessage): void {
    if (this.#closed) return;
    const { type, payload } = message;
    if (type === messageType.acknowledgement)
      this.#noteAcknowledgement(readNumber(payload, "Acknowledgement"));
    else if (type === messageType.windowAcknowledgementSize) {
      this.#window = Math.max(1, readNumber(payload, "Window Acknowledgement Size"));
    } else if (type === messageType.userControl) this.#answerPing(payload);
    else if (type !== messageType.setPeerBandwidth) this.#events.onMessage(message);
  }

  /** The number is 32 bits and wraps; a step back says nothing. */
  #noteAcknowledgement(sequence: number): void {
    const before = this.#peerAcknowledged ?? 0;
    this.#peerAcknowledged = before + Math.max(0, (sequence - before) | 0);
  }

  #answerPing(payload: Buffer): void {
    if (payload.length < 6 || payload.readUInt16BE(0) !== pingRequest) return;
    const head = Buffer.from(payload.subarray(0, 6));
    head.writeUInt16BE(pingResponse, 0);
    const { control } = chunkStream;
    this.send([{ chunkStream: control, type: messageType.userControl, timestamp: 0, head, body: noBytes }]);
  }

  #close(fault: Fault | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events.onClosed(fault);
  }
}

/** The larger of the memory at hand and the memory just used. */
function grown(scratch: Buffer, used: Buffer): Buffer {
  return used.length > scratch.length ? used : scratch;
}

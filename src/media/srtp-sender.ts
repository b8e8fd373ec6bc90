import { Buffer } from "node:buffer";
import { createCipheriv, createSecretKey, hash } from "node:crypto";
import type { Cipheriv } from "node:crypto";
import type { RtpPayloads } from "./rtp-payloads.ts";
import type { SrtpSessionKeys } from "./srtp.ts";

/** How far back a packet can be sent again: more than two seconds of 8 Mbit/s. A power of two. */
const historyLength = 2048;
const hashBlock = 64;
/** A hash block with the key, a packet of at most 1188 bytes, its tag. */
const slotLength = 1280;
const tagLength = 10;
const blockLength = 16;
/** Packets whose key stream is made at once, and the most blocks of one. */
const batchLength = 32;
const blocksPerPacket = 74;
const extensionLength = 8;

export interface SrtpStream {
  readonly ssrc: number;
  readonly payloadType: number;
  /** 16 bits. */
  readonly firstSequence: number;
}

/**
 * SRTP, the sending half, for one RTP stream: AES128_CM_HMAC_SHA1_80 (RFC 3711). Packets are numbered here.
 *
 * Node's calls into OpenSSL cost more than the bytes that they work on, so they are few: one call makes the key stream
 * of many packets (ECB over their counter blocks), and the HMAC is two plain hashes over memory that already begins
 * with the key. That is half of what AES-GCM costs, which takes five calls for each packet.
 */
export class SrtpSender {
  readonly #stream: SrtpStream;
  readonly #cipher: Cipheriv;
  /** IV without index: salt xor SSRC (RFC 3711, 4.1.1), 14 bytes. */
  readonly #iv = Buffer.alloc(blockLength);
  /** One slot for each of the newest packets. */
  readonly #memory = Buffer.alloc(historyLength * slotLength);
  readonly #words = new Int32Array(this.#memory.buffer, this.#memory.byteOffset, this.#memory.length / 4);
  readonly #datagrams: (Buffer | undefined)[] = [];
  readonly #outer = Buffer.alloc(hashBlock + 20);
  readonly #counters = Buffer.alloc(batchLength * blocksPerPacket * blockLength);
  readonly #counterWords = new Int32Array(
    this.#counters.buffer,
    this.#counters.byteOffset,
    this.#counters.length / 4,
  );
  /** Sequence number with rollovers: the packet index, 48 bits. */
  #index: number;
  #packets = 0;
  #octets = 0;

  constructor(keys: SrtpSessionKeys, stream: SrtpStream) {
    this.#stream = stream;
    this.#index = stream.firstSequence;
    this.#cipher = createCipheriv("aes-128-ecb", createSecretKey(keys.encryption), null);
    this.#cipher.setAutoPadding(false);
    this.#iv.set(keys.salt.subarray(0, 14));
    this.#iv.writeUInt32BE((this.#iv.readUInt32BE(4) ^ stream.ssrc) >>> 0, 4);
    const key = Buffer.alloc(hashBlock);
    key.set(keys.authentication);
    const inner = key.map((byte) => byte ^ 0x36);
    for (let slot = 0; slot < historyLength; slot += 1) this.#memory.set(inner, slot * slotLength);
    this.#outer.set(key.map((byte) => byte ^ 0x5c));
  }

  /** Packets sent, and bytes of payload (RFC 3550, 6.4.1). */
  get sent(): { readonly packets: number; readonly octets: number } {
    return { packets: this.#packets, octets: this.#octets };
  }

  /**
   * The datagrams of the payloads from `from` on, at most `count`; the picture's last one bears the marker, its first
   * one the header extension if there is one, a whole one-byte-header block of 8 bytes (RFC 8285). They stay as they are
   * for the next 2048 packets.
   */
  protect(
    payloads: RtpPayloads,
    timestamp: number,
    extension: Uint8Array | undefined,
    from: number,
    count: number,
  ): Buffer[] {
    const datagrams: Buffer[] = [];
    const end = Math.min(payloads.starts.length, from + count);
    for (let first = from; first < end; first += batchLength) {
      this.#protectBatch(
        payloads,
        timestamp,
        extension,
        first,
        Math.min(end, first + batchLength),
        datagrams,
      );
    }
    return datagrams;
  }

  /** The datagram of a 16-bit sequence number as it was, or undefined when that is too long ago. */
  again(sequence: number): Buffer | undefined {
    const behind = (this.#index - 1 - sequence) & 0xffff;
    return behind < historyLength ? this.#datagrams[sequence % historyLength] : undefined;
  }

  #protectBatch(
    payloads: RtpPayloads,
    timestamp: number,
    extension: Uint8Array | undefined,
    from: number,
    end: number,
    datagrams: Buffer[],
  ): void {
    const { starts, lengths, memory } = payloads;
    const source = new Int32Array(memory.buffer, memory.byteOffset, memory.length / 4);
    const stream = this.#keyStream(lengths, from, end);
    let block = 0;
    for (let i = from; i < end; i += 1) {
      const length = lengths[i] ?? 0;
      const index = this.#index;
      this.#index += 1;
      const slot = (index % historyLength) * slotLength;
      const packet = slot + hashBlock;
      const extra = i === 0 ? extension : undefined;
      const header = 12 + (extra === undefined ? 0 : extensionLength);
      const view = this.#memory;
      view[packet] = extra === undefined ? 0x80 : 0x90;
      view[packet + 1] = this.#stream.payloadType | (i === starts.length - 1 ? 0x80 : 0);
      view.writeUInt16BE(index & 0xffff, packet + 2);
      view.writeUInt32BE(timestamp, packet + 4);
      view.writeUInt32BE(this.#stream.ssrc, packet + 8);
      if (extra !== undefined) view.set(extra, packet + 12);
      xorWords(
        this.#words,
        (packet + header) >> 2,
        source,
        (starts[i] ?? 0) >> 2,
        stream,
        block << 2,
        length,
      );
      block += Math.ceil(length / blockLength);
      const tag = packet + header + length;
      view.writeUInt32BE(Math.floor(index / 0x1_0000) >>> 0, tag); // the rollover counter is signed, not sent
      // As texts: half the time of buffers, and nothing for the garbage collector to free outside its heap.
      this.#outer.write(hash("sha1", view.subarray(slot, tag + 4), "binary"), hashBlock, "latin1");
      view.write(hash("sha1", this.#outer, "binary"), tag, tagLength, "latin1");
      const datagram = view.subarray(packet, tag + tagLength);
      this.#datagrams[index % historyLength] = datagram;
      datagrams.push(datagram);
      this.#packets += 1;
      this.#octets += length;
    }
  }

  /** RFC 3711, 4.1.1: the encryption of IV xor index followed by the number of the block, for each packet. */
  #keyStream(lengths: readonly number[], from: number, end: number): Int32Array {
    const counters = this.#counters;
    const words = this.#counterWords;
    let at = 0;
    for (let i = from; i < end; i += 1) {
      const blocks = Math.ceil((lengths[i] ?? 0) / blockLength);
      const index = this.#index + i - from;
      counters.set(this.#iv, at);
      counters.writeUInt16BE(counters.readUInt16BE(at + 8) ^ Math.floor(index / 0x1_0000_0000), at + 8);
      counters.writeUInt32BE((counters.readUInt32BE(at + 10) ^ (index | 0)) >>> 0, at + 10);
      const word = at >> 2;
      const [a = 0, b = 0, c = 0, d = 0] = [words[word], words[word + 1], words[word + 2], words[word + 3]];
      for (let block = 0; block < blocks; block += 1) {
        const to = word + block * 4;
        words[to] = a;
        words[to + 1] = b;
        words[to + 2] = c;
        words[to + 3] = d | (block << 24); // little-endian: the last byte; 74 blocks need no more
      }
      at += blocks * blockLength;
    }
    const stream = this.#cipher.update(counters.subarray(0, at));
    return new Int32Array(stream.buffer, stream.byteOffset, stream.length / 4);
  }
}

/** `target = source xor stream` over `length` bytes, rounded up to whole words: what follows is written afterwards. */
function xorWords(
  target: Int32Array,
  targetAt: number,
  source: Int32Array,
  sourceAt: number,
  stream: Int32Array,
  streamAt: number,
  length: number,
): void {
  const words = (length + 3) >> 2;
  for (let i = 0; i < words; i += 1)
    target[targetAt + i] = (source[sourceAt + i] ?? 0) ^ (stream[streamAt + i] ?? 0);
}

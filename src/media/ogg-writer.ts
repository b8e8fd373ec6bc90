/**
 * Opus packets as an Ogg stream, one page for each packet so that nothing waits for the next one.
 * Sources: RFC 3533 (pages), RFC 7845 (Opus headers, granule positions), RFC 6716 section 3.1 (packet duration).
 */
import { Fault } from "../domain/fault.ts";

/** Opus always counts time in samples at 48 kHz. */
export const opusClockRate = 48_000;

/** Samples that a decoder discards at the start: the delay of the common encoders (RFC 7845 section 5.1 item 4). */
export const opusPreSkip = 312;

const headerLength = 27;
const maxPacketLength = 255 * 254; // one lacing value stays free for the terminating short segment
const beginningOfStream = 0x02;

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value & 0x8000_0000 ? (value << 1) ^ 0x04c1_1db7 : value << 1;
  return value >>> 0;
});

/** The checksum of RFC 3533 section 6: polynomial 0x04c11db7, not reflected, started at 0. */
export function oggChecksum(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) crc = (crc << 8) ^ (crcTable[(crc >>> 24) ^ byte] ?? 0);
  return crc >>> 0;
}

/** Samples at 48 kHz that one Opus packet holds: 120 to 5760. Throws a `Fault` with code `malformed` for any other. */
export function opusPacketSamples(packet: Uint8Array): number {
  const toc = packet[0];
  if (toc === undefined)
    throw new Fault("malformed", "An Opus packet must hold at least one byte; this one is empty.");
  const code = toc & 3;
  const frames = code === 0 ? 1 : code === 3 ? (packet[1] ?? 0) & 0x3f : 2;
  const samples = frames * samplesPerFrame(toc >> 3);
  if (samples === 0 || samples > 5760) {
    throw new Fault("malformed", `An Opus packet holds 2.5 to 120 ms; this one says ${samples / 48} ms.`);
  }
  return samples;
}

/** RFC 6716 table 2: SILK 10-60 ms, hybrid 10-20 ms, CELT 2.5-20 ms. */
function samplesPerFrame(configuration: number): number {
  if (configuration < 12) return configuration % 4 === 3 ? 2880 : 480 << (configuration % 4);
  if (configuration < 16) return 480 << (configuration % 2);
  return 120 << (configuration % 4);
}

/** Writes one logical Ogg stream: `headers()` once, then a `page` for each packet. */
export class OggOpusWriter {
  readonly #serial: number;
  #sequence = 0;

  /** `serial` is any 32-bit number that no other logical stream of the same file has. */
  constructor(serial: number) {
    this.#serial = serial;
  }

  /** The identification and comment headers of a stereo stream (RFC 7845 sections 5.1 and 5.2). */
  headers(): Buffer {
    const identification = Buffer.alloc(19);
    identification.write("OpusHead", "latin1");
    identification[8] = 1; // version
    identification[9] = 2; // channels; a mono packet is decoded into both
    identification.writeUInt16LE(opusPreSkip, 10);
    identification.writeUInt32LE(opusClockRate, 12);
    const vendor = "spotlive";
    const comment = Buffer.alloc(16 + vendor.length);
    comment.write("OpusTags", "latin1");
    comment.writeUInt32LE(vendor.length, 8);
    comment.write(vendor, 12, "latin1");
    return Buffer.concat([this.#page(identification, 0n, beginningOfStream), this.#page(comment, 0n, 0)]);
  }

  /**
   * One packet. `granulePosition` is the time of its last sample, in 48 kHz samples since the stream began and
   * `opusPreSkip` included; packets that were lost show as a step that is larger than this packet's samples.
   */
  page(packet: Uint8Array, granulePosition: number): Buffer {
    if (packet.length > maxPacketLength) {
      throw new Fault(
        "malformed",
        `An Opus packet has at most ${maxPacketLength} bytes; this one has ${packet.length}.`,
      );
    }
    return this.#page(packet, BigInt(granulePosition), 0);
  }

  #page(packet: Uint8Array, granulePosition: bigint, flags: number): Buffer {
    const segments = Math.floor(packet.length / 255) + 1;
    const page = Buffer.alloc(headerLength + segments + packet.length);
    page.write("OggS", "latin1");
    page[5] = flags;
    page.writeBigInt64LE(granulePosition, 6);
    page.writeUInt32LE(this.#serial >>> 0, 14);
    page.writeUInt32LE(this.#sequence, 18);
    this.#sequence = (this.#sequence + 1) >>> 0;
    page[26] = segments;
    page.fill(255, headerLength, headerLength + segments - 1);
    page[headerLength + segments - 1] = packet.length % 255;
    page.set(packet, headerLength + segments);
    page.writeUInt32LE(oggChecksum(page), 22);
    return page;
  }
}

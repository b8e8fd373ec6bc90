import { oggChecksum } from "../../src/media/ogg-writer.ts";

export interface OggPage {
  readonly flags: number;
  readonly sequence: number;
  readonly granule: bigint;
  readonly serial: number;
  readonly payload: Buffer;
  /** The checksum is right. */
  readonly intact: boolean;
}

/** The pages of an Ogg stream (RFC 3533) whose packets have a page each. */
export function readOggPages(stream: Buffer): OggPage[] {
  const pages: OggPage[] = [];
  for (let rest = stream; rest.length > 0;) {
    const lacing = rest.subarray(27, 27 + rest.readUInt8(26));
    const begin = 27 + lacing.length;
    const end = begin + lacing.reduce((sum, length) => sum + length, 0);
    if (rest.toString("latin1", 0, 4) !== "OggS" || lacing.at(-1) === 255)
      throw new Error("not a page with one packet");
    const unsigned = Buffer.from(rest.subarray(0, end)).fill(0, 22, 26);
    pages.push({
      flags: rest.readUInt8(5),
      granule: rest.readBigInt64LE(6),
      serial: rest.readUInt32LE(14),
      sequence: rest.readUInt32LE(18),
      payload: Buffer.from(rest.subarray(begin, end)),
      intact: oggChecksum(unsigned) === rest.readUInt32LE(22),
    });
    rest = rest.subarray(end);
  }
  return pages;
}

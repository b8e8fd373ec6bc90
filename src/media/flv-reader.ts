/**
 * Reads an FLV stream as ffmpeg writes it to a pipe.
 * Source: Adobe Flash Video File Format Specification 10.1, annex E; ISO/IEC 14496-15 section 5.2.4.1 for the AVC
 * configuration record.
 */
import { Fault } from "../domain/fault.ts";

export type FlvTag =
  | { readonly kind: "avc-config"; readonly sps: readonly Buffer[]; readonly pps: readonly Buffer[] }
  | {
      readonly kind: "video";
      readonly dtsMs: number;
      readonly ptsMs: number;
      /** What the writer calls a keyframe; recovery points too. */
      readonly keyframe: boolean;
      /** One access unit; each NAL unit has its 4-byte big-endian length in front. */
      readonly avcc: Buffer;
    }
  | { readonly kind: "aac-config"; readonly config: Buffer }
  | { readonly kind: "aac"; readonly ptsMs: number; readonly payload: Buffer }
  /** Video that is not H.264, or audio that is not AAC. */
  | { readonly kind: "unsupported"; readonly media: "video" | "audio"; readonly codec: string };

const fileHeaderLength = 9;
const tagHeaderLength = 11;
const previousTagSizeLength = 4;
/** More than any access unit of level 5.1 can have; what claims more is not FLV. */
const maxTagBytes = 8 * 1024 * 1024;

const audioTag = 8;
const videoTag = 9;
const avcCodec = 7;
const aacFormat = 10;

type Part = "file-header" | "tag-header" | "tag-body";

/**
 * Takes the stream in pieces of any size and gives the tags that are complete. Every buffer given out is its own
 * memory. Throws a `Fault` with code `malformed`, and nothing else; after that the reader is of no more use.
 */
export class FlvReader {
  #part: Part = "file-header";
  #bytes = Buffer.alloc(fileHeaderLength + previousTagSizeLength);
  #filled = 0;
  #tagType = 0;
  #timestampMs = 0;
  #nalLengthSize = 4;

  *push(chunk: Uint8Array): Generator<FlvTag> {
    let offset = 0;
    while (offset < chunk.length) {
      const piece = chunk.subarray(offset, offset + this.#bytes.length - this.#filled);
      this.#bytes.set(piece, this.#filled);
      this.#filled += piece.length;
      offset += piece.length;
      if (this.#filled < this.#bytes.length) return;
      const tag = this.#takePart(this.#bytes);
      if (tag !== undefined) yield tag;
    }
  }

  #takePart(bytes: Buffer): FlvTag | undefined {
    switch (this.#part) {
      case "file-header":
        if (
          bytes.toString("latin1", 0, 3) !== "FLV" ||
          bytes[3] !== 1 ||
          bytes.readUInt32BE(5) !== fileHeaderLength
        ) {
          throw malformed(
            `an FLV file header (FLV, version 1), got the bytes ${bytes.toString("hex", 0, 9)}`,
          );
        }
        this.#expect("tag-header", tagHeaderLength);
        return undefined;
      case "tag-header": {
        this.#tagType = bytes.readUInt8(0);
        const size = bytes.readUIntBE(1, 3);
        if (size > maxTagBytes) throw malformed(`a tag of at most ${maxTagBytes} bytes, got one of ${size}`);
        this.#timestampMs = bytes.readUIntBE(4, 3) + bytes.readUInt8(7) * 0x100_0000;
        this.#expect("tag-body", size + previousTagSizeLength);
        return undefined;
      }
      case "tag-body": {
        const size = bytes.length - previousTagSizeLength;
        if (bytes.readUInt32BE(size) !== size + tagHeaderLength) {
          throw malformed(
            `${size + tagHeaderLength} as the size at the end of a tag, got ${bytes.readUInt32BE(size)}`,
          );
        }
        const tag = this.#readBody(bytes.subarray(0, size));
        this.#expect("tag-header", tagHeaderLength);
        return tag;
      }
    }
  }

  #expect(part: Part, length: number): void {
    this.#part = part;
    this.#bytes = Buffer.allocUnsafe(length);
    this.#filled = 0;
  }

  /** Tags of other types (metadata) and empty ones say nothing about a picture or a sound. */
  #readBody(body: Buffer): FlvTag | undefined {
    if (body.length === 0) return undefined;
    if (this.#tagType === videoTag) return this.#readVideo(body);
    if (this.#tagType === audioTag) return this.#readAudio(body);
    return undefined;
  }

  #readVideo(body: Buffer): FlvTag | undefined {
    const first = body.readUInt8(0);
    if ((first & 0x80) !== 0) {
      // Enhanced RTMP: the codec is a FourCC
      return {
        kind: "unsupported",
        media: "video",
        codec: body.toString("latin1", 1, 5).replaceAll(/[^\w-]/g, "?"),
      };
    }
    if (first >> 4 === 5) return undefined; // a command, not a picture
    if ((first & 0x0f) !== avcCodec) {
      return {
        kind: "unsupported",
        media: "video",
        codec: videoCodecs.get(first & 0x0f) ?? `codec ${first & 0x0f}`,
      };
    }
    if (body.length < 5) throw malformed(`at least 5 bytes in front of a picture, got ${body.length}`);
    const payload = body.subarray(5);
    switch (body[1]) {
      case 0: {
        // An encoder in hardware knows its parameter sets only when it has made a picture: a whole one comes then.
        if (payload.length === 0) return undefined;
        const config = parseAvcConfiguration(payload);
        this.#nalLengthSize = config.nalLengthSize;
        return { kind: "avc-config", sps: config.sps, pps: config.pps };
      }
      case 1:
        return {
          kind: "video",
          dtsMs: this.#timestampMs,
          ptsMs: this.#timestampMs + body.readIntBE(2, 3),
          keyframe: first >> 4 === 1,
          avcc: this.#nalLengthSize === 4 ? payload : widenNalLengths(payload, this.#nalLengthSize),
        };
      default:
        return undefined; // end of sequence
    }
  }

  #readAudio(body: Buffer): FlvTag | undefined {
    const format = body.readUInt8(0) >> 4;
    if (format !== aacFormat) return { kind: "unsupported", media: "audio", codec: `format ${format}` };
    if (body.length < 2) throw malformed("at least 2 bytes in front of an AAC unit, got 1");
    const payload = body.subarray(2);
    return body[1] === 0
      ? { kind: "aac-config", config: payload }
      : { kind: "aac", ptsMs: this.#timestampMs, payload };
  }
}

/** The NAL units of an AVCC block, as views into it. Throws a `Fault` with code `malformed` when a length is wrong. */
export function splitAvcc(avcc: Buffer, nalLengthSize = 4): Buffer[] {
  const nalus: Buffer[] = [];
  let offset = 0;
  while (offset < avcc.length) {
    const start = offset + nalLengthSize;
    const length = start <= avcc.length ? avcc.readUIntBE(offset, nalLengthSize) : Infinity;
    if (start + length > avcc.length)
      throw malformed("NAL units that end with their access unit, got a longer one");
    if (length > 0) nalus.push(avcc.subarray(start, start + length));
    offset = start + length;
  }
  return nalus;
}

/** One AVCC block with 4-byte lengths around `nalus`. */
export function joinAvcc(nalus: readonly Uint8Array[]): Buffer {
  const block = Buffer.allocUnsafe(nalus.reduce((sum, nalu) => sum + 4 + nalu.length, 0));
  let offset = 0;
  for (const nalu of nalus) {
    block.writeUInt32BE(nalu.length, offset);
    block.set(nalu, offset + 4);
    offset += 4 + nalu.length;
  }
  return block;
}

function widenNalLengths(avcc: Buffer, nalLengthSize: number): Buffer {
  return joinAvcc(splitAvcc(avcc, nalLengthSize));
}

const videoCodecs = new Map([
  [2, "H.263"],
  [3, "Screen video"],
  [4, "VP6"],
  [5, "VP6 with alpha"],
  [9, "MPEG-4 part 2"],
  [12, "HEVC"],
]);

interface AvcConfiguration {
  readonly nalLengthSize: number;
  readonly sps: readonly Buffer[];
  readonly pps: readonly Buffer[];
}

function parseAvcConfiguration(record: Buffer): AvcConfiguration {
  let offset = 5;
  const take = (length: number): Buffer => {
    if (offset + length > record.length)
      throw malformed("a whole AVC configuration record, got one that is cut off");
    offset += length;
    return record.subarray(offset - length, offset);
  };
  const takeSets = (count: number): Buffer[] =>
    Array.from({ length: count }, () => take(take(2).readUInt16BE(0)));
  if (record[0] !== 1)
    throw malformed(`version 1 of an AVC configuration record, got ${record[0] ?? "nothing"}`);
  const sps = takeSets(take(1).readUInt8(0) & 0x1f);
  const pps = takeSets(take(1).readUInt8(0));
  return { nalLengthSize: (record.readUInt8(4) & 3) + 1, sps, pps };
}

function malformed(text: string): Fault {
  return new Fault("malformed", `The FLV stream is damaged: expected ${text}.`);
}

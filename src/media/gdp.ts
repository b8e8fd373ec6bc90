/**
 * Pictures as the GStreamer elements `gdpdepay` takes and `gdppay` gives them: GStreamer Data Protocol 1.0, packets with
 * a header of 62 bytes, checksums left out. Unlike buffers handed over one by one, they keep their times.
 * Source: GStreamer, gst-plugins-bad, gst/gdp/dataprotocol.c; event types of gst/gstevent.h.
 */
import { Fault } from "../domain/fault.ts";

const headerLength = 62;
const version = 1;
const payloadType = { buffer: 1, caps: 2, streamStart: 10_318, segment: 17_998 } as const;
/** GST_BUFFER_FLAG_DELTA_UNIT: nothing can begin with it. */
const deltaUnit = 0x2000;
/** GST_CLOCK_TIME_NONE. */
const none = 0xffff_ffff_ffff_ffffn;
const nsPerMs = 1_000_000n;
/** More than any access unit of level 5.1 can have; what claims more is not this protocol. */
const maxPayloadBytes = 8 * 1024 * 1024;

/** The beginning of a stream: its name, its caps, and from when on it is shown; what is before is only decoded. */
export function gdpHead(caps: string, showFromMs: number): Buffer {
  const from = `(guint64)${BigInt(showFromMs) * nsPerMs}`;
  const segment =
    "segment, flags=(GstSegmentFlags)GST_SEGMENT_FLAG_NONE, rate=(double)1, applied-rate=(double)1, " +
    `format=(GstFormat)time, base=${from}, offset=(guint64)0, start=${from}, stop=(guint64)${none}, ` +
    `time=${from}, position=${from}, duration=(guint64)${none};`;
  const name = "stream-id=(string)spotlive, flags=(GstStreamFlags)GST_STREAM_FLAG_NONE, group-id=(uint)1";
  return Buffer.concat([
    textPacket(payloadType.streamStart, `GstEventStreamStart, ${name};`),
    gdpCaps(caps),
    textPacket(payloadType.segment, `GstEventSegment, segment=(GstSegment)"${segment}";`),
  ]);
}

/** What the pictures from here on are, in GStreamer's own notation. */
export function gdpCaps(caps: string): Buffer {
  return textPacket(payloadType.caps, caps);
}

/**
 * One picture with start codes (ITU-T H.264 annex B), made from its AVCC block. It lasts 1 ms: a longer one could reach
 * into the time from which on pictures are shown, and would be.
 */
export function gdpPicture(avcc: Uint8Array, keyframe: boolean, dtsMs: number, ptsMs: number): Buffer {
  const packet = emptyPacket(payloadType.buffer, avcc.length);
  packet.writeBigUInt64BE(BigInt(ptsMs) * nsPerMs, 10);
  packet.writeBigUInt64BE(nsPerMs, 18); // duration
  packet.writeBigUInt64BE(none, 26); // offset in the stream
  packet.writeBigUInt64BE(none, 34); // and its end
  packet.writeUInt16BE(keyframe ? 0 : deltaUnit, 42);
  packet.writeBigUInt64BE(BigInt(dtsMs) * nsPerMs, 44);
  packet.set(avcc, headerLength);
  for (let at = headerLength; at + 4 <= packet.length;) {
    const length = packet.readUInt32BE(at);
    packet.writeUInt32BE(1, at); // 00 00 00 01
    at += 4 + length;
  }
  return packet;
}

export interface GdpPicture {
  /** Running time (GStreamer's word for what a stream's clock shows), milliseconds. */
  readonly ptsMs: number;
  readonly payload: Buffer;
}

/**
 * Takes the stream in pieces of any size and gives the pictures that are complete, each in memory of its own. Throws a
 * `Fault` with code `malformed`, and nothing else; after that the reader is of no more use.
 */
export class GdpReader {
  #header: Buffer | undefined;
  #bytes = Buffer.allocUnsafe(headerLength);
  #filled = 0;
  /** Running time minus time stamp, nanoseconds. */
  #offsetNs = 0n;

  *push(chunk: Uint8Array): Generator<GdpPicture> {
    let offset = 0;
    while (offset < chunk.length || this.#filled === this.#bytes.length) {
      const piece = chunk.subarray(offset, offset + this.#bytes.length - this.#filled);
      this.#bytes.set(piece, this.#filled);
      this.#filled += piece.length;
      offset += piece.length;
      if (this.#filled < this.#bytes.length) return;
      const picture = this.#takePart(this.#bytes);
      if (picture !== undefined) yield picture;
    }
  }

  #takePart(bytes: Buffer): GdpPicture | undefined {
    const header = this.#header;
    if (header === undefined) {
      const length = bytes.readUInt32BE(6);
      if (bytes[0] !== version) throw malformed(`version ${version} of the protocol, got ${bytes[0]}`);
      if (length > maxPayloadBytes)
        throw malformed(`a packet of at most ${maxPayloadBytes} bytes, got ${length}`);
      this.#expect(length, bytes);
      return undefined;
    }
    this.#expect(headerLength);
    const type = header.readUInt16BE(4);
    if (type === payloadType.segment) this.#offsetNs = readOffset(bytes.toString("latin1"));
    if (type !== payloadType.buffer) return undefined; // caps, tags and other events say nothing new
    const pts = header.readBigUInt64BE(10);
    if (pts === none) throw malformed("a picture with a time, got one without");
    return { ptsMs: Math.round(Number(pts + this.#offsetNs) / Number(nsPerMs)), payload: bytes };
  }

  #expect(length: number, header?: Buffer): void {
    this.#header = header;
    this.#bytes = Buffer.allocUnsafe(length);
    this.#filled = 0;
  }
}

/** Encoders may shift the time stamps (x264enc: by 1000 hours), and say so with the segment. */
function readOffset(event: string): bigint {
  const read = (field: string): bigint =>
    BigInt(new RegExp(String.raw`\b${field}=\(guint64\)(\d{1,20})\b`).exec(event)?.[1] ?? 0);
  return read("base") - read("start");
}

function textPacket(type: number, text: string): Buffer {
  const packet = emptyPacket(type, Buffer.byteLength(text) + 1);
  packet.write(text, headerLength);
  return packet;
}

function emptyPacket(type: number, length: number): Buffer {
  const packet = Buffer.alloc(headerLength + length);
  packet[0] = version;
  packet.writeUInt16BE(type, 4);
  packet.writeUInt32BE(length, 6);
  return packet;
}

function malformed(text: string): Fault {
  return new Fault("malformed", `What GStreamer gives is damaged: expected ${text}.`);
}

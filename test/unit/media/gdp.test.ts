import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { GdpReader, gdpCaps, gdpHead, gdpPicture } from "../../../src/media/gdp.ts";
import { joinAvcc } from "../../../src/media/flv-reader.ts";
import { splitAnnexB } from "../../../src/media/h264.ts";

const nalus = [Buffer.from([0x67, 1, 2]), Buffer.from([0x65, 3])];
const caps = "video/x-h264, width=(int)640";
const read = (reader: GdpReader, bytes: Uint8Array) => [...reader.push(bytes)];

describe("what is written for gdpdepay", () => {
  it("is a picture with start codes and its times in nanoseconds", () => {
    const packet = gdpPicture(joinAvcc(nalus), true, 40, 80);
    expect(packet.readUInt16BE(4)).toBe(1);
    expect(packet.readUInt32BE(6)).toBe(packet.length - 62);
    expect([packet.readBigUInt64BE(10), packet.readBigUInt64BE(44)]).toEqual([80_000_000n, 40_000_000n]);
    expect(splitAnnexB(packet.subarray(62))).toEqual(nalus);
    expect(packet.readUInt16BE(42)).toBe(0);
    expect(gdpPicture(joinAvcc(nalus), false, 40, 80).readUInt16BE(42)).toBe(0x2000);
  });

  it("begins with name, caps and segment, in this order, each closed with a zero", () => {
    let head = gdpHead(caps, 1500);
    const texts: string[] = [];
    while (head.length > 0) {
      const end = 62 + head.readUInt32BE(6);
      expect(head[end - 1]).toBe(0);
      texts.push(head.toString("latin1", 62, end - 1));
      head = head.subarray(end);
    }
    expect(texts).toEqual([
      expect.stringMatching(/^GstEventStreamStart, stream-id=/),
      caps,
      expect.stringMatching(/^GstEventSegment, .* start=\(guint64\)1500000000, /),
    ]);
  });

  it("survives an AVCC block whose lengths are wrong", () => {
    const whatever = fc.uint8Array({ maxLength: 64 });
    fc.assert(
      fc.property(whatever, (avcc) => {
        expect(gdpPicture(avcc, false, 0, 0)).toHaveLength(62 + avcc.length);
      }),
    );
  });
});

describe("GdpReader", () => {
  it("gives pictures and their running times, however the stream is cut", () => {
    const stream = Buffer.concat([
      gdpHead(caps, 3000),
      gdpPicture(joinAvcc(nalus), true, 3000, 3000),
      gdpCaps(caps),
      gdpPicture(Buffer.alloc(0), false, 3033, 3066),
    ]);
    const whole = read(new GdpReader(), stream);
    expect(whole.map(({ ptsMs }) => ptsMs)).toEqual([3000, 3066]);
    expect(whole.map(({ payload }) => payload.length)).toEqual([joinAvcc(nalus).length, 0]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (sizes) => {
        const reader = new GdpReader();
        const given = [];
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          given.push(...read(reader, stream.subarray(at, at + size)));
          at += size;
        }
        expect(given).toEqual(whole);
      }),
    );
  });

  it("takes away what an encoder has added to the times", () => {
    const shifted = gdpHead(caps, 0)
      .toString("latin1")
      .replace(
        ", base=(guint64)0, offset=(guint64)0, start=(guint64)0, ",
        ", base=(guint64)7000000, start=(guint64)9000000, ",
      );
    const at = shifted.indexOf("GstEventSegment") - 62;
    const segment = Buffer.from(shifted.slice(at), "latin1");
    segment.writeUInt32BE(segment.length - 62, 6);
    const reader = new GdpReader();
    expect(read(reader, segment)).toEqual([]);
    expect(read(reader, gdpPicture(Buffer.alloc(0), true, 9, 12))[0]?.ptsMs).toBe(10);
  });

  it.each([
    ["another version", { 0: 2 }, /version 1 of the protocol, got 2/],
    ["a giant", { 6: 0x7f }, /a packet of at most 8388608 bytes, got 21\d+/],
    ["no time", Object.fromEntries(Array.from({ length: 8 }, (_, at) => [10 + at, 0xff])), /with a time/],
  ])("refuses a packet with %s", (_what, changes, why) => {
    const packet = gdpPicture(joinAvcc(nalus), true, 0, 0);
    for (const [at, byte] of Object.entries(changes)) packet[Number(at)] = byte;
    expect(() => read(new GdpReader(), packet)).toThrow(why);
  });

  it("throws nothing but a fault, whatever comes", () => {
    const packet = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(packet, fc.boolean(), (bytes, likely) => {
        const stream = likely ? Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 1, 0, 0, 0]), bytes]) : bytes;
        try {
          read(new GdpReader(), stream);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
        }
      }),
    );
  });
});

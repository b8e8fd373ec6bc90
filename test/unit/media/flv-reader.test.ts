import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import {
  aacSequenceHeader,
  avcSequenceHeader,
  writeAacHeader,
  writeAvcHeader,
} from "../../../src/media/flv.ts";
import { FlvReader, joinAvcc, splitAvcc } from "../../../src/media/flv-reader.ts";
import type { FlvTag } from "../../../src/media/flv-reader.ts";
import { pps, sps } from "../../helpers/rtp.ts";

const fileHeader = Buffer.from("464c560105000000090000" + "0000", "hex");

function tag(type: number, timestampMs: number, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(11 + body.length + 4);
  bytes[0] = type;
  bytes.writeUIntBE(body.length, 1, 3);
  bytes.writeUIntBE(timestampMs & 0xff_ffff, 4, 3);
  bytes[7] = timestampMs >>> 24;
  bytes.set(body, 11);
  bytes.writeUInt32BE(11 + body.length, 11 + body.length);
  return bytes;
}

function picture(keyframe: boolean, compositionMs: number, avcc: Uint8Array): Buffer {
  const body = Buffer.alloc(5 + avcc.length);
  writeAvcHeader(body, 0, keyframe, compositionMs);
  body.set(avcc, 5);
  return body;
}

function sound(payload: Uint8Array): Buffer {
  const body = Buffer.alloc(2 + payload.length);
  writeAacHeader(body, 0);
  body.set(payload, 2);
  return body;
}

const read = (...chunks: Uint8Array[]): FlvTag[] => {
  const reader = new FlvReader();
  return chunks.flatMap((chunk) => [...reader.push(chunk)]);
};

const idr = Buffer.from([0x65, 1, 2, 3]);
const config = Buffer.from([0x11, 0x90]);
const stream = Buffer.concat([
  fileHeader,
  tag(18, 0, Buffer.from("metadata")),
  tag(9, 0, avcSequenceHeader(sps, pps)),
  tag(8, 0, aacSequenceHeader(config)),
  tag(9, 40, picture(true, 80, joinAvcc([idr]))),
  tag(8, 0x0123_4567, sound(Buffer.from([9, 9]))),
  tag(9, 73, picture(false, -3, joinAvcc([Buffer.from([0x41])]))),
  tag(9, 73, Buffer.from([0x17, 2, 0, 0, 0])),
]);
const expected: FlvTag[] = [
  { kind: "avc-config", sps: [Buffer.from(sps)], pps: [Buffer.from(pps)] },
  { kind: "aac-config", config },
  { kind: "video", dtsMs: 40, ptsMs: 120, keyframe: true, avcc: joinAvcc([idr]) },
  { kind: "aac", ptsMs: 0x0123_4567, payload: Buffer.from([9, 9]) },
  { kind: "video", dtsMs: 73, ptsMs: 70, keyframe: false, avcc: Buffer.from([0, 0, 0, 1, 0x41]) },
];

describe("FlvReader", () => {
  it("reads back what the FLV writer writes", () => {
    expect(read(stream)).toEqual(expected);
  });

  it("gives the same tags however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 40 }), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        const chunks = places.slice(1).map((end, index) => stream.subarray(places[index], end));
        expect(read(...chunks)).toEqual(expected);
      }),
    );
  });

  it("throws nothing but a malformed fault, whatever it is given", () => {
    const damaged = fc
      .tuple(fc.array(fc.tuple(fc.nat(stream.length - 1), fc.nat(255))), fc.uint8Array({ maxLength: 400 }))
      .map(([changes, tail]) => {
        const bytes = Buffer.concat([stream, tail]);
        for (const [place, value] of changes) bytes[place] = value;
        return bytes;
      });
    const random = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.concat([fileHeader, bytes]));
    fc.assert(
      fc.property(fc.oneof(damaged, random, fc.uint8Array()), (bytes) => {
        try {
          for (const found of read(bytes)) if (found.kind === "video") splitAvcc(found.avcc);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
          expect((error as Fault).code).toBe("malformed");
        }
      }),
    );
  });

  it("refuses a tag that claims more than an access unit can have, before it is there", () => {
    const claim = Buffer.concat([fileHeader, Buffer.from("09ffffff00000000000000", "hex")]);
    expect(() => read(claim)).toThrow(/at most 8388608 bytes/);
  });

  it("notices that it lost its place by the size behind each tag", () => {
    const body = tag(9, 0, picture(true, 0, joinAvcc([idr])));
    body.writeUInt32BE(7, body.length - 4);
    expect(() => read(Buffer.concat([fileHeader, body]))).toThrow(/size at the end of a tag, got 7/);
  });

  it("widens 2-byte NAL lengths to 4", () => {
    const header = avcSequenceHeader(sps, pps);
    header[9] = 0xfd;
    const avcc = Buffer.from([0, 2, 0x65, 1, 0, 1, 0x06]);
    const tags = read(Buffer.concat([fileHeader, tag(9, 0, header), tag(9, 0, picture(true, 0, avcc))]));
    expect(tags[1]).toMatchObject({ avcc: Buffer.from([0, 0, 0, 2, 0x65, 1, 0, 0, 0, 1, 0x06]) });
  });

  it("names a codec that is neither H.264 nor AAC, in the old and in the enhanced form", () => {
    const old = tag(9, 0, Buffer.from([0x19, 0, 0]));
    const enhanced = tag(9, 0, Buffer.concat([Buffer.from([0x90]), Buffer.from("hvc1")]));
    const mp3 = tag(8, 0, Buffer.from([0x2f, 0]));
    expect(read(Buffer.concat([fileHeader, old, enhanced, mp3]))).toEqual([
      { kind: "unsupported", media: "video", codec: "MPEG-4 part 2" },
      { kind: "unsupported", media: "video", codec: "hvc1" },
      { kind: "unsupported", media: "audio", codec: "format 2" },
    ]);
  });
});

describe("splitAvcc", () => {
  it("waits for the parameter sets of an encoder that does not know them at first", () => {
    const empty = tag(9, 0, Buffer.from([0x17, 0, 0, 0, 0]));
    const whole = tag(9, 33, avcSequenceHeader(sps, pps));
    const kinds = [...new FlvReader().push(Buffer.concat([fileHeader, empty, whole]))].map(
      ({ kind }) => kind,
    );
    expect(kinds).toEqual(["avc-config"]);
  });

  it("undoes joinAvcc", () => {
    const nalus = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }));
    fc.assert(
      fc.property(nalus, (parts) => {
        expect(splitAvcc(joinAvcc(parts))).toEqual(parts.map((part) => Buffer.from(part)));
      }),
    );
  });

  it("refuses a NAL unit that is longer than its access unit", () => {
    expect(() => splitAvcc(Buffer.from([0, 0, 0, 9, 1]))).toThrow(Fault);
    expect(() => splitAvcc(Buffer.from([0, 0]))).toThrow(Fault);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FlvReader, joinAvcc } from "../../../src/media/flv-reader.ts";
import {
  flvFileHeader,
  flvFrameRateTag,
  flvSequenceHeaderTag,
  flvVideoTag,
} from "../../../src/media/flv-writer.ts";
import { decodeAmf0 } from "../../../src/rtmp/amf0.ts";
import { pps, sps } from "../../helpers/rtp.ts";

const milliseconds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const picture = fc.record({
  keyframe: fc.boolean(),
  nalus: fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 4 }),
  dtsMs: milliseconds,
  compositionMs: fc.integer({ min: -(2 ** 23) + 1, max: 2 ** 23 - 1 }),
});
const parameterSets = fc.record({
  sps: fc.uint8Array({ minLength: 4, maxLength: 80 }),
  pps: fc.uint8Array({ maxLength: 40 }),
});

describe("the FLV writer", () => {
  it("announces video and nothing else", () => {
    expect(flvFileHeader().toString("hex")).toBe("464c56" + "01" + "01" + "00000009" + "00000000");
  });

  it("tells the rate as metadata, which is no picture", () => {
    const tag = flvFrameRateTag(29.97);
    expect([tag[0], tag.readUIntBE(1, 3)]).toEqual([18, tag.length - 15]);
    expect(decodeAmf0(tag.subarray(11, -4))).toEqual(["onMetaData", new Map([["framerate", 29.97]])]);
    expect([...new FlvReader().push(Buffer.concat([flvFileHeader(), tag]))]).toEqual([]);
  });

  it("writes what the reader reads back", () => {
    fc.assert(
      fc.property(parameterSets, milliseconds, fc.array(picture), (sets, startMs, pictures) => {
        const tags = pictures.map(({ keyframe, nalus, dtsMs, compositionMs }) =>
          flvVideoTag({ keyframe, avcc: joinAvcc(nalus) }, dtsMs, dtsMs + compositionMs),
        );
        const stream = Buffer.concat([flvFileHeader(), flvSequenceHeaderTag(sets, startMs), ...tags]);
        const [config, ...read] = new FlvReader().push(stream);
        expect(config).toEqual({
          kind: "avc-config",
          sps: [Buffer.from(sets.sps)],
          pps: [Buffer.from(sets.pps)],
        });
        expect(read).toEqual(
          pictures.map(({ keyframe, nalus, dtsMs, compositionMs }) => ({
            kind: "video",
            dtsMs,
            ptsMs: dtsMs + compositionMs,
            keyframe,
            avcc: joinAvcc(nalus),
          })),
        );
      }),
    );
  });

  it("puts the highest byte of a time behind the other three, and the size behind the tag", () => {
    const tag = flvVideoTag(
      { keyframe: true, avcc: Buffer.from([0, 0, 0, 1, 0x65]) },
      0x89ab_cdef,
      0x89ab_cdf2,
    );
    expect(tag.toString("hex")).toBe(
      "09" + "00000a" + "abcdef" + "89" + "000000" + "1701000003" + "0000000165" + "00000015",
    );
    expect(flvSequenceHeaderTag({ sps, pps }, 7).toString("hex", 4, 8)).toBe("00000700");
  });
});

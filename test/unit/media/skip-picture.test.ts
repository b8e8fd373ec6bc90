import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePps } from "../../../src/media/pps.ts";
import { createSkipPictures } from "../../../src/media/skip-picture.ts";
import type { SkipPictures } from "../../../src/media/skip-picture.ts";
import { parseSliceHead } from "../../../src/media/slice.ts";
import { parseSps } from "../../../src/media/sps.ts";
import { slice, writePps, writeSps } from "../../helpers/h264-writer.ts";

function create(sps: Uint8Array, pps: Uint8Array): SkipPictures {
  const pictures = createSkipPictures(sps, pps);
  if (typeof pictures === "string") throw new Error(pictures);
  return pictures;
}

interface SliceFields {
  readonly type: number;
  readonly first: number;
  readonly ppsId: number;
  readonly frameNum: number;
  readonly lsb: number;
  readonly operation: number;
}

/** A slice of a stream with 4 bits of frame_num and, if `lsb` is given, 4 bits of pic_order_cnt_lsb. */
function sliceOf(header: number, fields: Partial<SliceFields> = {}): Uint8Array {
  const isIdr = (header & 0x1f) === 5;
  const { type = isIdr ? 7 : 5, first = 0, ppsId = 0, frameNum = 0, lsb, operation } = fields;
  return slice(header, (bits) => {
    for (const value of [first, type, ppsId]) bits.unsignedExpGolomb(value);
    bits.unsigned(4, frameNum);
    if (isIdr) bits.unsignedExpGolomb(0);
    if (lsb !== undefined) bits.unsigned(4, lsb);
    if (type % 5 !== 2) bits.unsigned(2, 0); // no override, no modification
    if (isIdr) bits.unsigned(2, operation === undefined ? 0 : 1);
    else if (operation === undefined) bits.flag(false);
    else {
      bits.flag(true);
      for (const value of operation === 5 ? [5, 0] : [operation, 0, 0]) bits.unsignedExpGolomb(value);
    }
    bits.unsigned(32, 0x1234_5678);
  });
}

const sps = writeSps();
const pps = writePps();

describe("SkipPictures", () => {
  it.each([
    { size: "320x180", macroblocks: [20, 12], cavlc: 6, cabac: 8 },
    { size: "640x360", macroblocks: [40, 23], cavlc: 6, cabac: 13 },
    { size: "1280x720", macroblocks: [80, 45], cavlc: 7, cabac: 31 },
    { size: "1920x1080", macroblocks: [120, 68], cavlc: 7, cabac: 63 },
  ] as const)("take $cavlc or $cabac bytes at $size", ({ macroblocks, cavlc, cabac }) => {
    const [widthInMacroblocks, heightInMacroblocks] = macroblocks;
    const sps = writeSps({ widthInMacroblocks, heightInMacroblocks });
    const sizes = [false, true].map((cabac) => {
      const pictures = create(sps, writePps({ cabac, initialQp: 26, deblockingControlPresent: true }));
      pictures.follow([sliceOf(0x65)]);
      return pictures.next().length;
    });
    expect(sizes).toEqual([cavlc, cabac]);
  });

  it("are P pictures of one slice that others refer to, and count on from the one before", () => {
    const sps = writeSps({ orderCountType: 0 });
    const pps = writePps({ id: 3, cabac: true, bottomFieldOrderPresent: true, weightedPrediction: true });
    const pictures = create(sps, pps);
    const first = slice(0x65, (bits) => {
      for (const value of [0, 7, 3]) bits.unsignedExpGolomb(value);
      bits.unsigned(4, 0);
      bits.unsignedExpGolomb(0);
      bits.unsigned(4, 12);
      bits.unsigned(32, 0x8000_0000); // no difference of the bottom field, no marking
    });
    const given = (count: number): unknown[] =>
      Array.from({ length: count }, () => parseSliceHead(pictures.next(), parseSps(sps), parsePps(pps)));
    const marking = { longTerm: false, restartsCounting: false };
    const common = { firstMacroblock: 0, sliceType: "P", isReference: true, marking };
    const expected = Array.from({ length: 20 }, (_, i) => {
      return { ...common, frameNum: (i + 1) % 16, picOrderCountLsb: (12 + 2 * (i + 1)) % 16 };
    });
    expect(pictures.follow([first])).toBeUndefined();
    expect(given(20)).toEqual(expected);
    expect(pictures.follow([first])).toBeUndefined();
    expect(given(2)).toEqual(expected.slice(0, 2));
  });

  it("go on from a P picture of several slices", () => {
    const pictures = create(sps, pps);
    const slices = [0, 100, 200].map((first) => sliceOf(0x21, { first, frameNum: 15 }));
    expect(pictures.follow([Uint8Array.of(9, 0xf0), sps, pps, ...slices])).toBeUndefined();
    expect(parseSliceHead(pictures.next(), parseSps(sps), parsePps(pps)).frameNum).toBe(0);
  });

  const high = { profileIdc: 244 };
  it.each([
    { sps: { interlaced: true }, because: "its pictures may be interlaced" },
    {
      sps: { orderCountType: 1 },
      because: "it counts the order of its pictures in the unusual way of type 1",
    },
    { sps: { ...high, chromaFormat: 2 }, because: "its colours are not sampled 4:2:0" },
    { sps: { ...high, chromaFormat: 0 }, because: "its colours are not sampled 4:2:0" },
    {
      sps: { ...high, chromaFormat: 3, separateColourPlanes: true },
      because: "its colour planes are coded separately",
    },
    { sps: { ...high, bitDepth: 10 }, because: "its samples have 10 bits, not 8" },
    { sps: { referenceFrames: 0 }, because: "it allows no reference picture" },
    { sps: { id: 2 }, because: "its PPS belongs to SPS 0, not to SPS 2" },
    { pps: { redundantPicturesPresent: true }, because: "it may carry redundant pictures" },
    { sps: { orderCountType: 3 }, because: expect.stringContaining("it cannot be read") },
  ])("are refused where $because", ({ sps = {}, pps = {}, because }) => {
    expect(createSkipPictures(writeSps(sps), writePps(pps))).toEqual(because);
  });

  it("are refused where pictures are shown in another order, or spread over slice groups", () => {
    const reordered = Buffer.from("6764001eacd940a02ff97011000003000100000300320f162d96", "hex");
    expect(createSkipPictures(reordered, pps)).toMatch("not shown in the order in which they come");
    const groups = writePps({ sliceGroups: 2, writeGroups: (bits) => bits.unsignedExpGolomb(1) });
    expect(createSkipPictures(sps, groups)).toMatch("slice groups");
  });

  it.each([
    { nalus: [sliceOf(0x01)], because: "the last picture is no reference" },
    { nalus: [sliceOf(0x41, { type: 6 })], because: "the last picture has a B slice" },
    { nalus: [sliceOf(0x41, { type: 3 })], because: "the last picture has a switching slice" },
    { nalus: [sliceOf(0x41, { operation: 5 })], because: "makes the counting of pictures begin anew" },
    { nalus: [sliceOf(0x41, { operation: 6 })], because: "the last picture is a long-term reference" },
    { nalus: [sliceOf(0x65, { operation: 0 })], because: "the last picture is a long-term reference" },
    { nalus: [sliceOf(0x41, { ppsId: 1 })], because: "Expected a slice of PPS 0; got one of PPS 1." },
    { nalus: [sliceOf(0x41), sliceOf(0x41, { first: 9, type: 6 })], because: "has a B slice" },
    { nalus: [sliceOf(0x41, { first: 9 })], because: "the beginning of the last picture is missing" },
    { nalus: [sps, pps], because: "the beginning of the last picture is missing" },
    { nalus: [], because: "the beginning of the last picture is missing" },
    { nalus: [sliceOf(0x42)], because: "data partitions" },
    { nalus: [writeSps({ id: 1 }), sliceOf(0x65)], because: "its parameter sets have changed" },
    { nalus: [writePps({ initialQp: 1 }), sliceOf(0x65)], because: "its parameter sets have changed" },
    { nalus: [Uint8Array.of(0x41)], because: "it cannot be read" },
  ])("do not go on where $because", ({ nalus, because }) => {
    const pictures = create(sps, pps);
    pictures.follow([sliceOf(0x41, { frameNum: 8 })]);
    expect(pictures.follow(nalus)).toMatch(because);
    expect(parseSliceHead(pictures.next(), parseSps(sps), parsePps(pps)).frameNum).toBe(9);
  });

  it("go on where a PPS with another id comes along", () => {
    expect(create(sps, pps).follow([sps, writePps({ id: 7 }), pps, sliceOf(0x65)])).toBeUndefined();
  });

  it("give pictures or a reason for any bytes, and never throw", () => {
    const bytes = (known: Uint8Array): fc.Arbitrary<Uint8Array> =>
      fc.oneof(
        fc.constant(known),
        fc.tuple(fc.nat(12), fc.nat(255)).map(([at, value]) => known.with(at % known.length, value)),
        fc.uint8Array({ maxLength: 40 }),
      );
    const small = writeSps({ widthInMacroblocks: 2, heightInMacroblocks: 2 });
    const picture = fc.array(bytes(sliceOf(0x65)), { maxLength: 3 });
    fc.assert(
      fc.property(bytes(small), bytes(pps), picture, (sps, pps, nalus) => {
        const pictures = createSkipPictures(sps, pps);
        if (typeof pictures === "string") return;
        expect(pictures.follow(nalus) ?? "").toBeTypeOf("string");
        expect(pictures.next()[0]).toBe(0x41);
      }),
      { numRuns: 1000 },
    );
  });
});

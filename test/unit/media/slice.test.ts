import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { parsePps } from "../../../src/media/pps.ts";
import { isBidirectional, parseSliceHead } from "../../../src/media/slice.ts";
import { parseSps } from "../../../src/media/sps.ts";
import { slice, writePps, writeSps } from "../../helpers/h264-writer.ts";

const sps = parseSps(writeSps({ log2MaxFrameNum: 7, orderCountType: 0, log2MaxLsb: 6 }));
const pps = parsePps(writePps());
const unmarked = { longTerm: false, restartsCounting: false };

describe("parseSliceHead", () => {
  it("reads an IDR slice", () => {
    const nalu = slice(0x65, (bits) => {
      for (const value of [0, 7, 0]) bits.unsignedExpGolomb(value);
      bits.unsigned(7, 0);
      bits.unsignedExpGolomb(1000); // idr_pic_id
      bits.unsigned(6, 4);
      bits.unsigned(2, 0b01); // long_term_reference_flag
    });
    expect(parseSliceHead(nalu, sps, pps)).toEqual({
      firstMacroblock: 0,
      sliceType: "I",
      frameNum: 0,
      idrPicId: 1000,
      picOrderCountLsb: 4,
      isReference: true,
      marking: { longTerm: true, restartsCounting: false },
    });
  });

  it("reads a P slice that nothing refers to", () => {
    const nalu = slice(0x01, (bits) => {
      for (const value of [80, 0, 0]) bits.unsignedExpGolomb(value);
      bits.unsigned(7, 100);
      bits.unsigned(6, 63);
      bits.unsigned(2, 0);
    });
    expect(parseSliceHead(nalu, sps, pps)).toEqual({
      firstMacroblock: 80,
      sliceType: "P",
      frameNum: 100,
      picOrderCountLsb: 63,
      isReference: false,
      marking: unmarked,
    });
  });

  it("finds the memory operations behind lists, their changes and weights", () => {
    const weighted = parsePps(writePps({ weightedPrediction: true, bottomFieldOrderPresent: true }));
    const withOperations = (...operations: readonly (readonly number[])[]): Uint8Array =>
      slice(0x41, (bits) => {
        for (const value of [0, 5, 0]) bits.unsignedExpGolomb(value);
        bits.unsigned(7, 9);
        bits.unsigned(6, 9);
        bits.signedExpGolomb(-1); // delta_pic_order_cnt_bottom
        bits.flag(true);
        bits.unsignedExpGolomb(1); // two references
        bits.flag(true);
        for (const value of [0, 4, 2, 7, 3]) bits.unsignedExpGolomb(value);
        for (const value of [5, 5]) bits.unsignedExpGolomb(value); // denominators
        bits.flag(true);
        for (const value of [-3, 7]) bits.signedExpGolomb(value);
        bits.unsigned(3, 0b001);
        for (const value of [1, -1, 60, -60]) bits.signedExpGolomb(value);
        bits.flag(true);
        for (const operation of operations) for (const value of operation) bits.unsignedExpGolomb(value);
        bits.unsignedExpGolomb(0);
      });
    const marking = (nalu: Uint8Array): unknown => parseSliceHead(nalu, sps, weighted).marking;
    expect(marking(withOperations([1, 6], [2, 5], [3, 6, 5], [4, 5]))).toEqual(unmarked);
    expect(marking(withOperations([1, 0], [5]))).toEqual({ longTerm: false, restartsCounting: true });
    expect(marking(withOperations([6, 0]))).toEqual({ longTerm: true, restartsCounting: false });
  });

  it("reads a B slice with weights for both lists, in a stream with order count type 1", () => {
    const explicit = parsePps(writePps({ weightedBipredIdc: 1, references: [2, 1] }));
    const nalu = slice(0x21, (bits) => {
      for (const value of [0, 6, 0]) bits.unsignedExpGolomb(value);
      bits.unsigned(4, 3);
      bits.unsigned(4, 0b1000); // spatial direct mode, default lists, unchanged
      for (const value of [5, 5]) bits.unsignedExpGolomb(value);
      bits.unsigned(6, 0);
      bits.flag(true);
      for (const value of [5, 0]) bits.unsignedExpGolomb(value);
    });
    const head = parseSliceHead(nalu, parseSps(writeSps({ orderCountType: 1 })), explicit);
    expect(head).toMatchObject({ sliceType: "B", frameNum: 3, marking: { restartsCounting: true } });
    expect(isBidirectional(nalu)).toBe(true);
  });

  it("refuses a slice that belongs to another PPS, and what is no slice", () => {
    const other = slice(0x41, (bits) => {
      for (const value of [0, 5, 3, 0, 0, 0]) bits.unsignedExpGolomb(value);
    });
    expect(() => parseSliceHead(other, sps, pps)).toThrow("Expected a slice of PPS 0; got one of PPS 3.");
    expect(() => parseSliceHead(writePps(), sps, pps)).toThrow(Fault);
  });

  it("gives a result or a fault called malformed for any bytes", () => {
    const flags = {
      cabac: fc.boolean(),
      weightedPrediction: fc.boolean(),
      bottomFieldOrderPresent: fc.boolean(),
    };
    const sets = fc.record({
      sps: fc.record({ orderCountType: fc.nat(2), interlaced: fc.boolean() }),
      pps: fc.record({ ...flags, weightedBipredIdc: fc.nat(2), redundantPicturesPresent: fc.boolean() }),
    });
    const bytes = fc.tuple(fc.constantFrom(0x41, 0x65, 0x01, 0x21), fc.uint8Array({ maxLength: 60 }));
    fc.assert(
      fc.property(sets, bytes, (sets, [header, rest]) => {
        const [sps, pps] = [parseSps(writeSps(sets.sps)), parsePps(writePps(sets.pps))];
        try {
          const { frameNum } = parseSliceHead(
            Uint8Array.of(header, 0b1101_1000 | (rest[0] ?? 0), ...rest),
            sps,
            pps,
          );
          expect(frameNum).toBeLessThan(16);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
          expect(error).toMatchObject({ code: "malformed" });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

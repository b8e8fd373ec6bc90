import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import type { BitWriter } from "../../../src/media/bits.ts";
import { parsePps } from "../../../src/media/pps.ts";
import { writePps } from "../../helpers/h264-writer.ts";

const plain = {
  id: 0,
  spsId: 0,
  entropyCoding: "cavlc",
  bottomFieldOrderPresent: false,
  sliceGroups: 1,
  defaultReferences: [1, 1],
  weightedPrediction: false,
  weightedBiprediction: "none",
  initialQp: 23,
  deblockingControlPresent: true,
  redundantPicturesPresent: false,
};

/** Made by real encoders. */
const known = [
  { encoder: "x264 baseline", hex: "68ce0fc8", expected: plain },
  {
    encoder: "x264 main",
    hex: "68ef0fc8",
    expected: { ...plain, entropyCoding: "cabac", weightedPrediction: true },
  },
  { encoder: "openh264", hex: "68ce3c80", expected: { ...plain, initialQp: 26 } },
] as const;

function golombs(...values: number[]): (bits: BitWriter) => void {
  return (bits) => {
    for (const value of values) bits.unsignedExpGolomb(value);
  };
}

describe("parsePps", () => {
  it.each(known)("reads one of $encoder", ({ hex, expected }) => {
    expect(parsePps(Buffer.from(hex, "hex"))).toEqual(expected);
  });

  it("reads every field", () => {
    const fields = {
      id: 255,
      spsId: 31,
      bottomFieldOrderPresent: true,
      weightedPrediction: true,
      initialQp: -10,
      deblockingControlPresent: true,
      redundantPicturesPresent: true,
    };
    const written = writePps({ ...fields, cabac: true, references: [3, 32], weightedBipredIdc: 2 });
    const rest = { entropyCoding: "cabac", sliceGroups: 1, weightedBiprediction: "implicit" };
    expect(parsePps(written)).toEqual({ ...fields, ...rest, defaultReferences: [3, 32] });
  });

  it.each([
    { type: 0, write: golombs(0, 5, 6, 7) },
    { type: 1, write: golombs(1) },
    { type: 2, write: golombs(2, 0, 9, 4, 8) },
    {
      type: 4,
      write: (bits: BitWriter) => {
        golombs(4)(bits);
        bits.flag(true);
        golombs(11)(bits);
      },
    },
    {
      type: 6,
      write: (bits: BitWriter) => {
        golombs(6, 98)(bits);
        for (let i = 0; i < 99; i += 1) bits.unsigned(2, i % 3);
      },
    },
  ])("finds what stands behind slice groups of type $type", ({ write }) => {
    const pps = parsePps(writePps({ sliceGroups: 3, writeGroups: write, initialQp: 40 }));
    expect(pps).toMatchObject({ sliceGroups: 3, initialQp: 40 });
  });

  it("gives a result or a fault called malformed for any bytes", () => {
    const mutated = fc
      .tuple(fc.constantFrom(...known), fc.array(fc.tuple(fc.nat(3), fc.nat(255)), { maxLength: 4 }))
      .map(([{ hex }, changes]) => {
        const bytes = Buffer.from(hex, "hex");
        for (const [at, value] of changes) bytes[at] = value;
        return new Uint8Array(bytes);
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), mutated), (bytes) => {
        try {
          expect(parsePps(bytes).sliceGroups).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
          expect(error).toMatchObject({ code: "malformed" });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

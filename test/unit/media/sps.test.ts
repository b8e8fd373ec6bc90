import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { parseSps, profileName } from "../../../src/media/sps.ts";
import { writeSps } from "../../helpers/h264-writer.ts";

/** Made by x264 with known settings. */
const known = [
  {
    hex: "6742c028d900780227e5c044000003000400000300f03c60c920",
    profile: "Constrained Baseline",
    expected: { levelIdc: 40, width: 1920, height: 1080, interlaced: false, frameRate: 30, reorderFrames: 0 },
  },
  {
    hex: "6764001eacd940a02ff97011000003000100000300320f162d96",
    profile: "High",
    expected: { levelIdc: 30, width: 640, height: 360, frameRate: 25, reorderFrames: 2 },
  },
  {
    hex: "674d4020d9005005bb011000003e90001d4c00f1832480",
    profile: "Main",
    expected: { levelIdc: 32, width: 1280, height: 720, frameRate: 60_000 / 1001, reorderFrames: 0 },
  },
  {
    hex: "6764001eacd940b424d8088000000300800000190f8a14cb",
    profile: "High",
    expected: { width: 720, height: 576, interlaced: true, frameRate: 25 },
  },
  {
    hex: "67f4000d919b28283f6022000003000200000300781e28532c",
    profile: "profile 244",
    expected: { width: 320, height: 240, interlaced: false, frameRate: 30 },
  },
] as const;

describe("parseSps", () => {
  it.each(known)(
    "reads a $profile stream of $expected.width x $expected.height",
    ({ hex, profile, expected }) => {
      const sps = parseSps(Buffer.from(hex, "hex"));
      expect(sps).toMatchObject(expected);
      expect(profileName(sps)).toBe(profile);
    },
  );

  it("reads what a slice header depends on", () => {
    const openh264 = parseSps(Buffer.from("6742c00a8c8d4316403c2211a8", "hex"));
    expect(openh264).toMatchObject({
      id: 0,
      log2MaxFrameNum: 15,
      pictureOrderCount: { type: 0, log2MaxLsb: 16 },
      widthInMacroblocks: 6,
      heightInMacroblocks: 5,
      chromaFormat: 1,
      separateColourPlanes: false,
      bitDepth: 8,
    });
    const [fullHd, , , interlaced, planar] = known.map(({ hex }) => parseSps(Buffer.from(hex, "hex")));
    expect(fullHd).toMatchObject({ widthInMacroblocks: 120, heightInMacroblocks: 68 });
    expect(fullHd).toMatchObject({ log2MaxFrameNum: 4, pictureOrderCount: { type: 2 } });
    expect(interlaced).toMatchObject({ widthInMacroblocks: 45, heightInMacroblocks: 36 });
    expect(planar).toMatchObject({ chromaFormat: 3, separateColourPlanes: false, bitDepth: 8 });
    const fields = { id: 31, profileIdc: 244, chromaFormat: 3, separateColourPlanes: true, bitDepth: 10 };
    const { id, separateColourPlanes, bitDepth, pictureOrderCount } = parseSps(
      writeSps({ ...fields, orderCountType: 1 }),
    );
    expect({ id, separateColourPlanes, bitDepth }).toEqual({
      id: 31,
      separateColourPlanes: true,
      bitDepth: 10,
    });
    expect(pictureOrderCount).toEqual({ type: 1, deltaAlwaysZero: true });
  });

  it("refuses a size that only cropping makes believable", () => {
    const widthInMacroblocks = 100_000;
    const cropped = writeSps({ widthInMacroblocks, cropping: [0, 8 * widthInMacroblocks - 160, 0, 0] });
    expect(() => parseSps(cropped)).toThrow("impossible picture size: 320x192 of 1600000x192 samples");
  });

  it("gives a result or a fault called malformed for any bytes", () => {
    const mutated = fc
      .tuple(fc.constantFrom(...known), fc.array(fc.tuple(fc.nat(25), fc.nat(255)), { maxLength: 6 }))
      .map(([{ hex }, changes]) => {
        const bytes = Buffer.from(hex, "hex");
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        return new Uint8Array(bytes);
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), mutated), (bytes) => {
        try {
          const { width, height } = parseSps(bytes);
          expect(Math.min(width, height)).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
          expect(error).toMatchObject({ code: "malformed" });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

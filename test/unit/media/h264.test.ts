import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSpropParameterSets, splitAnnexB } from "../../../src/media/h264.ts";
import { nal, pps, sps } from "../../helpers/rtp.ts";

describe("splitAnnexB", () => {
  it("finds NAL units behind start codes of three and four bytes", () => {
    const stream = Buffer.concat([
      Buffer.from([0, 0, 0, 1]),
      sps,
      Buffer.from([0, 0, 1]),
      pps,
      Buffer.from([0, 0, 0, 1]),
      nal(5, 40),
    ]);
    expect(splitAnnexB(stream).map((nalu) => Buffer.from(nalu))).toEqual([sps, pps, Buffer.from(nal(5, 40))]);
  });

  it("gives no empty NAL unit and never throws", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 0, 0, 1, 1, 0x65, 0xff), { maxLength: 60 }), (bytes) => {
        for (const nalu of splitAnnexB(Uint8Array.from(bytes))) expect(nalu.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe("parseSpropParameterSets", () => {
  it("finds SPS and PPS in either order and leaves the rest out", () => {
    const value = [pps, nal(6, 9), sps].map((nalu) => Buffer.from(nalu).toString("base64")).join(",");
    expect(parseSpropParameterSets(value)).toEqual({ sps, pps });
  });

  it("takes any text", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseSpropParameterSets(text)));
  });
});

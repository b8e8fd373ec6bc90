import { describe, expect, it } from "vitest";
import { joinAvcc } from "../../../src/media/flv-reader.ts";
import { PictureAssembler } from "../../../src/media/flv-units.ts";
import { nal, pps, sps } from "../../helpers/rtp.ts";

const delimiter = Buffer.from([9, 0x10]);
const idr = nal(5, 20);
const slice = nal(1, 20);

function configured(): PictureAssembler {
  const assembler = new PictureAssembler();
  assembler.configure({ kind: "avc-config", sps: [Buffer.from(sps)], pps: [Buffer.from(pps)] });
  return assembler;
}

const plain = (nalus: readonly Uint8Array[]): Buffer[] => nalus.map((nalu) => Buffer.from(nalu));

describe("PictureAssembler", () => {
  it("puts the parameter sets of the stream's head in front of an IDR, behind its delimiter", () => {
    const { nalus, avcc, keyframe } = configured().assemble(joinAvcc([delimiter, idr]));
    expect(keyframe).toBe(true);
    expect(plain(nalus)).toEqual(plain([delimiter, sps, pps, idr]));
    expect(avcc).toEqual(joinAvcc(nalus));
  });

  it("leaves alone what is no IDR, and an IDR that brings its own", () => {
    const assembler = configured();
    expect(assembler.assemble(joinAvcc([slice]))).toMatchObject({ avcc: joinAvcc([slice]), keyframe: false });
    const whole = joinAvcc([sps, pps, idr]);
    expect(assembler.assemble(whole).avcc).toBe(whole);
  });

  it("uses the newest parameter sets, wherever they came", () => {
    const assembler = configured();
    const newer = Buffer.from([0x68, 1, 2]);
    assembler.assemble(joinAvcc([newer, slice]));
    expect(plain(assembler.assemble(joinAvcc([idr])).nalus)).toEqual(plain([sps, newer, idr]));
  });
});

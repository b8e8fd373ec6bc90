import { describe, expect, it } from "vitest";
import {
  aacSequenceHeader,
  avcSequenceHeader,
  writeAacHeader,
  writeAvcHeader,
} from "../../../src/media/flv.ts";

describe("FLV tag bodies", () => {
  it("put frame type, codec and composition time in front of a picture", () => {
    const target = Buffer.alloc(12, 0xee);
    writeAvcHeader(target, 1, true, 67);
    writeAvcHeader(target, 7, false, -2);
    expect(target.toString("hex")).toBe("ee" + "1701000043" + "ee" + "2701fffffe");
  });

  it("hold profile, constraints and level of the SPS in the AVC sequence header", () => {
    const sps = Buffer.from([0x67, 0x42, 0xc0, 0x1f, 0xaa]);
    const pps = Buffer.from([0x68, 0xce]);
    expect(avcSequenceHeader(sps, pps).toString("hex")).toBe(
      "1700000000" + "01" + "42c01f" + "ff" + "e1" + "0005" + "6742c01faa" + "01" + "0002" + "68ce",
    );
  });

  it("announce AAC as the specification demands, whatever its real rate", () => {
    const target = Buffer.alloc(2);
    writeAacHeader(target, 0);
    expect(target.toString("hex")).toBe("af01");
    expect(aacSequenceHeader(Buffer.from([0x11, 0x90])).toString("hex")).toBe("af001190");
  });
});

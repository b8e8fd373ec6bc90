import { addEmulationPrevention, BitWriter } from "../../src/media/bits.ts";

export interface SpsFields {
  readonly id: number;
  readonly profileIdc: number;
  readonly chromaFormat: number;
  readonly separateColourPlanes: boolean;
  readonly bitDepth: number;
  readonly log2MaxFrameNum: number;
  readonly orderCountType: number;
  readonly log2MaxLsb: number;
  readonly referenceFrames: number;
  readonly widthInMacroblocks: number;
  readonly heightInMacroblocks: number;
  readonly interlaced: boolean;
  /** Left, right, top, bottom, in crop units. */
  readonly cropping: readonly number[];
}

/** An SPS (ITU-T H.264, 7.3.2.1.1) without VUI; by default Main, 20 x 12 macroblocks, order count type 2. */
export function writeSps(fields: Partial<SpsFields> = {}): Uint8Array {
  const { profileIdc = 77, chromaFormat = 1, bitDepth = 8, orderCountType = 2 } = fields;
  const { widthInMacroblocks = 20, heightInMacroblocks = 12, interlaced = false } = fields;
  const bits = new BitWriter();
  bits.unsigned(8, 0x67);
  bits.unsigned(8, profileIdc);
  bits.unsigned(16, 30); // no constraints, level 3.0
  bits.unsignedExpGolomb(fields.id ?? 0);
  if (profileIdc >= 100) {
    bits.unsignedExpGolomb(chromaFormat);
    if (chromaFormat === 3) bits.flag(fields.separateColourPlanes ?? false);
    bits.unsignedExpGolomb(bitDepth - 8);
    bits.unsignedExpGolomb(bitDepth - 8);
    bits.unsigned(2, 0);
  }
  bits.unsignedExpGolomb((fields.log2MaxFrameNum ?? 4) - 4);
  bits.unsignedExpGolomb(orderCountType);
  if (orderCountType === 0) bits.unsignedExpGolomb((fields.log2MaxLsb ?? 4) - 4);
  if (orderCountType === 1) {
    bits.flag(true);
    for (let i = 0; i < 3; i += 1) bits.signedExpGolomb(0);
  }
  bits.unsignedExpGolomb(fields.referenceFrames ?? 1);
  bits.flag(false);
  bits.unsignedExpGolomb(widthInMacroblocks - 1);
  bits.unsignedExpGolomb(heightInMacroblocks / (interlaced ? 2 : 1) - 1);
  bits.flag(!interlaced);
  if (interlaced) bits.flag(false);
  bits.flag(true); // direct_8x8_inference_flag
  bits.flag(fields.cropping !== undefined);
  for (const side of fields.cropping ?? []) bits.unsignedExpGolomb(side);
  bits.flag(false); // no VUI
  return nalUnit(bits);
}

export interface PpsFields {
  readonly id: number;
  readonly spsId: number;
  readonly cabac: boolean;
  readonly bottomFieldOrderPresent: boolean;
  readonly sliceGroups: number;
  /** Writes the part about slice groups, from slice_group_map_type on. */
  readonly writeGroups: (bits: BitWriter) => void;
  readonly references: readonly [number, number];
  readonly weightedPrediction: boolean;
  readonly weightedBipredIdc: number;
  readonly initialQp: number;
  readonly deblockingControlPresent: boolean;
  readonly redundantPicturesPresent: boolean;
}

/** A PPS (ITU-T H.264, 7.3.2.2); by default CAVLC, with everything else absent. */
export function writePps(fields: Partial<PpsFields> = {}): Uint8Array {
  const { sliceGroups = 1, references = [1, 1] } = fields;
  const bits = new BitWriter();
  bits.unsigned(8, 0x68);
  bits.unsignedExpGolomb(fields.id ?? 0);
  bits.unsignedExpGolomb(fields.spsId ?? 0);
  bits.flag(fields.cabac ?? false);
  bits.flag(fields.bottomFieldOrderPresent ?? false);
  bits.unsignedExpGolomb(sliceGroups - 1);
  fields.writeGroups?.(bits);
  for (const count of references) bits.unsignedExpGolomb(count - 1);
  bits.flag(fields.weightedPrediction ?? false);
  bits.unsigned(2, fields.weightedBipredIdc ?? 0);
  bits.signedExpGolomb((fields.initialQp ?? 26) - 26);
  bits.signedExpGolomb(0);
  bits.signedExpGolomb(-2);
  bits.flag(fields.deblockingControlPresent ?? false);
  bits.flag(false);
  bits.flag(fields.redundantPicturesPresent ?? false);
  return nalUnit(bits);
}

/** What is written, with its trailing bits and emulation prevention; the NAL header is its first byte. */
export function nalUnit(bits: BitWriter): Uint8Array {
  bits.trailingBits();
  return addEmulationPrevention(bits.bytes());
}

/** A NAL unit with this header byte and the fields that `write` writes. */
export function slice(header: number, write: (bits: BitWriter) => void): Uint8Array {
  const bits = new BitWriter();
  bits.unsigned(8, header);
  write(bits);
  return nalUnit(bits);
}

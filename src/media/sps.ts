import { Fault } from "../domain/fault.ts";
import { BitReader, removeEmulationPrevention } from "./bits.ts";

/** How the order of showing is coded (ITU-T H.264, 8.2.1). Type 0 sends the last bits of a count with each picture. */
export type PictureOrderCount =
  | { readonly type: 0; /** Bits of pic_order_cnt_lsb, 4 to 16. */ readonly log2MaxLsb: number }
  | { readonly type: 1; /** delta_pic_order_always_zero_flag. */ readonly deltaAlwaysZero: boolean }
  | { readonly type: 2 };

/** What a sequence parameter set says (ITU-T H.264, 7.3.2.1.1 and annex E). */
export interface SequenceParameters {
  /** seq_parameter_set_id, 0 to 31. */
  readonly id: number;
  readonly profileIdc: number;
  /** The six constraint_set flags and two reserved bits, as one byte. */
  readonly constraintFlags: number;
  /** Level times ten: 40 is level 4.0. */
  readonly levelIdc: number;
  /** Shown size in luma samples, cropping applied. */
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
  /** Coded size of a frame, before cropping, in macroblocks of 16 x 16 luma samples. */
  readonly widthInMacroblocks: number;
  readonly heightInMacroblocks: number;
  /** chroma_format_idc: 0 is monochrome, 1 is 4:2:0, 2 is 4:2:2, 3 is 4:4:4. */
  readonly chromaFormat: number;
  /** The three planes of a 4:4:4 picture are coded as if each were a monochrome picture. */
  readonly separateColourPlanes: boolean;
  /** Bits of a luma or chroma sample, whichever has more. */
  readonly bitDepth: number;
  /** Bits of frame_num, 4 to 16. */
  readonly log2MaxFrameNum: number;
  readonly pictureOrderCount: PictureOrderCount;
  readonly referenceFrames: number;
  /** Frames per second of a fixed or nominal rate, if the stream tells. */
  readonly frameRate?: number;
  /** Pictures that may come after a picture they are shown before: above 0 means B-frames; undefined if not told. */
  readonly reorderFrames?: number;
}

const profilesWithChromaFormat: ReadonlySet<number> = new Set([
  100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135,
]);
const extendedSampleAspectRatio = 255;
const macroblock = 16;
/** Level 6.2 allows 139,264 macroblocks; four times that is surely garbage. */
const maximumSide = 16_384;

/** Reads an SPS NAL unit, its header byte included. Throws `malformed`, and nothing else, for any other input. */
export function parseSps(nalu: Uint8Array): SequenceParameters {
  const bits = new BitReader(removeEmulationPrevention(nalu.subarray(1)));
  const profileIdc = bits.unsigned(8);
  const constraintFlags = bits.unsigned(8);
  const levelIdc = bits.unsigned(8);
  const id = bits.unsignedExpGolombUpTo(31, "seq_parameter_set_id");
  const samples = profilesWithChromaFormat.has(profileIdc) ? readSamples(bits) : usualSamples;
  const log2MaxFrameNum = bits.unsignedExpGolombUpTo(12, "log2_max_frame_num_minus4") + 4;
  const pictureOrderCount = readPictureOrderCount(bits);
  const referenceFrames = bits.unsignedExpGolomb();
  bits.flag(); // gaps_in_frame_num_value_allowed_flag
  const widthInMacroblocks = bits.unsignedExpGolomb() + 1;
  const heightInMapUnits = bits.unsignedExpGolomb() + 1;
  const framesOnly = bits.flag();
  if (!framesOnly) bits.flag(); // mb_adaptive_frame_field_flag
  bits.flag(); // direct_8x8_inference_flag
  const fieldFactor = framesOnly ? 1 : 2;
  const crop = readCropping(bits);
  const unit = cropUnits(samples);
  const heightInMacroblocks = heightInMapUnits * fieldFactor;
  const [codedWidth, codedHeight] = [widthInMacroblocks * macroblock, heightInMacroblocks * macroblock];
  const width = codedWidth - (crop.left + crop.right) * unit.width;
  const height = codedHeight - (crop.top + crop.bottom) * unit.height * fieldFactor;
  if (width <= 0 || height <= 0 || codedWidth > maximumSide || codedHeight > maximumSide) {
    const sizes = `${width}x${height} of ${codedWidth}x${codedHeight}`;
    throw new Fault("malformed", `The SPS gives an impossible picture size: ${sizes} samples.`);
  }
  const usability = bits.flag() ? readVideoUsability(bits) : {};
  return {
    id,
    profileIdc,
    constraintFlags,
    levelIdc,
    width,
    height,
    interlaced: !framesOnly,
    widthInMacroblocks,
    heightInMacroblocks,
    ...samples,
    log2MaxFrameNum,
    pictureOrderCount,
    referenceFrames,
    ...usability,
  };
}

/** The profile's usual name (annex A), such as `Constrained Baseline` or `High`. */
export function profileName(sps: Pick<SequenceParameters, "profileIdc" | "constraintFlags">): string {
  switch (sps.profileIdc) {
    case 66:
      return sps.constraintFlags & 0x40 ? "Constrained Baseline" : "Baseline";
    case 77:
      return "Main";
    case 88:
      return "Extended";
    case 100:
      return (sps.constraintFlags & 0x0c) === 0x0c ? "Constrained High" : "High";
    case 110:
      return "High 10";
    case 122:
      return "High 4:2:2";
    default:
      return `profile ${sps.profileIdc}`;
  }
}

type Samples = Pick<SequenceParameters, "chromaFormat" | "separateColourPlanes" | "bitDepth">;

/** What holds where the profile has no say in it. */
const usualSamples: Samples = { chromaFormat: 1, separateColourPlanes: false, bitDepth: 8 };

function readSamples(bits: BitReader): Samples {
  const chromaFormat = bits.unsignedExpGolomb();
  const separateColourPlanes = chromaFormat === 3 && bits.flag();
  const bitDepth = 8 + Math.max(bits.unsignedExpGolomb(), bits.unsignedExpGolomb());
  bits.flag(); // qpprime_y_zero_transform_bypass_flag
  if (bits.flag()) {
    const lists = chromaFormat === 3 ? 12 : 8;
    for (let i = 0; i < lists; i += 1) if (bits.flag()) skipScalingList(bits, i < 6 ? 16 : 64);
  }
  return { chromaFormat, separateColourPlanes, bitDepth };
}

/** The crop units in luma samples (table 6-1). */
function cropUnits({ chromaFormat }: Samples): { readonly width: number; readonly height: number } {
  return { width: chromaFormat === 1 || chromaFormat === 2 ? 2 : 1, height: chromaFormat === 1 ? 2 : 1 };
}

function skipScalingList(bits: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size; i += 1) {
    if (next !== 0) next = (last + bits.signedExpGolomb() + 256) % 256;
    if (next !== 0) last = next;
  }
}

function readPictureOrderCount(bits: BitReader): PictureOrderCount {
  const type = bits.unsignedExpGolomb();
  switch (type) {
    case 0:
      return { type, log2MaxLsb: bits.unsignedExpGolombUpTo(12, "log2_max_pic_order_cnt_lsb_minus4") + 4 };
    case 1: {
      const deltaAlwaysZero = bits.flag();
      bits.signedExpGolomb(); // offset_for_non_ref_pic
      bits.signedExpGolomb(); // offset_for_top_to_bottom_field
      const cycle = bits.unsignedExpGolombUpTo(255, "num_ref_frames_in_pic_order_cnt_cycle");
      for (let i = 0; i < cycle; i += 1) bits.signedExpGolomb();
      return { type, deltaAlwaysZero };
    }
    case 2:
      return { type };
    default:
      throw new Fault("malformed", `The SPS gives ${type} as pic_order_cnt_type, more than 2.`);
  }
}

function readCropping(bits: BitReader): { left: number; right: number; top: number; bottom: number } {
  if (!bits.flag()) return { left: 0, right: 0, top: 0, bottom: 0 };
  const [left, right] = [bits.unsignedExpGolomb(), bits.unsignedExpGolomb()];
  const [top, bottom] = [bits.unsignedExpGolomb(), bits.unsignedExpGolomb()];
  return { left, right, top, bottom };
}

/** VUI parameters, annex E.1.1. Streams cut off in the VUI are common: what could not be read is left out. */
function readVideoUsability(bits: BitReader): { frameRate?: number; reorderFrames?: number } {
  const result: { frameRate?: number; reorderFrames?: number } = {};
  try {
    if (bits.flag() && bits.unsigned(8) === extendedSampleAspectRatio) bits.unsigned(32);
    if (bits.flag()) bits.flag(); // overscan
    if (bits.flag()) {
      bits.unsigned(4); // video_format and range
      if (bits.flag()) bits.unsigned(24); // colour description
    }
    if (bits.flag()) {
      bits.unsignedExpGolomb(); // chroma location
      bits.unsignedExpGolomb();
    }
    if (bits.flag()) {
      const [unitsInTick, timeScale] = [bits.unsigned(32), bits.unsigned(32)];
      bits.flag(); // fixed_frame_rate_flag
      if (unitsInTick > 0 && timeScale > 0) result.frameRate = timeScale / (2 * unitsInTick);
    }
    const nalHrd = bits.flag();
    if (nalHrd) skipHypotheticalDecoder(bits);
    const vclHrd = bits.flag();
    if (vclHrd) skipHypotheticalDecoder(bits);
    if (nalHrd || vclHrd) bits.flag();
    bits.flag(); // pic_struct_present_flag
    if (bits.flag()) {
      bits.flag(); // motion_vectors_over_pic_boundaries_flag
      for (let i = 0; i < 4; i += 1) bits.unsignedExpGolomb();
      result.reorderFrames = bits.unsignedExpGolomb();
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
  return result;
}

function skipHypotheticalDecoder(bits: BitReader): void {
  const count = bits.unsignedExpGolomb() + 1;
  bits.unsigned(8);
  for (let i = 0; i < Math.min(count, 32); i += 1) {
    bits.unsignedExpGolomb();
    bits.unsignedExpGolomb();
    bits.flag();
  }
  bits.unsigned(20);
}

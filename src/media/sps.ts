import { Fault } from "../domain/fault.ts";
import { BitReader, removeEmulationPrevention } from "./bits.ts";

/** What a sequence parameter set says (ITU-T H.264, 7.3.2.1.1 and annex E). */
export interface SequenceParameters {
  readonly profileIdc: number;
  /** The six constraint_set flags and two reserved bits, as one byte. */
  readonly constraintFlags: number;
  /** Level times ten: 40 is level 4.0. */
  readonly levelIdc: number;
  /** Shown size in luma samples, cropping applied. */
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
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
  bits.unsignedExpGolomb(); // seq_parameter_set_id
  const chroma = profilesWithChromaFormat.has(profileIdc) ? readChroma(bits) : { width: 2, height: 2 };
  bits.unsignedExpGolomb(); // log2_max_frame_num_minus4
  skipPictureOrderCount(bits);
  const referenceFrames = bits.unsignedExpGolomb();
  bits.flag(); // gaps_in_frame_num_value_allowed_flag
  const widthInMacroblocks = bits.unsignedExpGolomb() + 1;
  const heightInMapUnits = bits.unsignedExpGolomb() + 1;
  const framesOnly = bits.flag();
  if (!framesOnly) bits.flag(); // mb_adaptive_frame_field_flag
  bits.flag(); // direct_8x8_inference_flag
  const fieldFactor = framesOnly ? 1 : 2;
  const crop = readCropping(bits);
  const width = widthInMacroblocks * macroblock - (crop.left + crop.right) * chroma.width;
  const height =
    heightInMapUnits * fieldFactor * macroblock - (crop.top + crop.bottom) * chroma.height * fieldFactor;
  if (width <= 0 || height <= 0 || width > maximumSide || height > maximumSide) {
    throw new Fault("malformed", `The SPS gives an impossible picture size of ${width}x${height}.`);
  }
  const usability = bits.flag() ? readVideoUsability(bits) : {};
  return {
    profileIdc,
    constraintFlags,
    levelIdc,
    width,
    height,
    interlaced: !framesOnly,
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

/** Gives the crop units in luma samples (table 6-1). */
function readChroma(bits: BitReader): { readonly width: number; readonly height: number } {
  const format = bits.unsignedExpGolomb();
  if (format === 3) bits.flag(); // separate_colour_plane_flag
  bits.unsignedExpGolomb(); // bit_depth_luma_minus8
  bits.unsignedExpGolomb(); // bit_depth_chroma_minus8
  bits.flag(); // qpprime_y_zero_transform_bypass_flag
  if (bits.flag()) {
    const lists = format === 3 ? 12 : 8;
    for (let i = 0; i < lists; i += 1) if (bits.flag()) skipScalingList(bits, i < 6 ? 16 : 64);
  }
  return { width: format === 1 || format === 2 ? 2 : 1, height: format === 1 ? 2 : 1 };
}

function skipScalingList(bits: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size; i += 1) {
    if (next !== 0) next = (last + bits.signedExpGolomb() + 256) % 256;
    if (next !== 0) last = next;
  }
}

function skipPictureOrderCount(bits: BitReader): void {
  const type = bits.unsignedExpGolomb();
  if (type === 0) bits.unsignedExpGolomb();
  else if (type === 1) {
    bits.flag();
    bits.signedExpGolomb();
    bits.signedExpGolomb();
    const cycle = bits.unsignedExpGolomb();
    if (cycle > 255)
      throw new Fault("malformed", "The SPS gives more than 255 frames in its order count cycle.");
    for (let i = 0; i < cycle; i += 1) bits.signedExpGolomb();
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

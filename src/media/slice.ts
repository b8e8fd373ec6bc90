import { Fault } from "../domain/fault.ts";
import { BitReader, removeEmulationPrevention } from "./bits.ts";
import { nalType, typeOf } from "./h264.ts";
import type { PictureParameters } from "./pps.ts";
import type { SequenceParameters } from "./sps.ts";

/** Bytes of a slice that surely hold first_mb_in_slice and slice_type. */
const typeBytes = 16;
/** More than the largest table of weights (32 references) and the longest list of memory operations need. */
const headBytes = 1024;

/** Whether a slice NAL unit is a B slice (slice_type 1 or 6; ITU-T H.264, table 7-6). False for anything unreadable. */
export function isBidirectional(nalu: Uint8Array): boolean {
  try {
    const bits = new BitReader(removeEmulationPrevention(nalu.subarray(1, typeBytes)));
    bits.unsignedExpGolomb(); // first_mb_in_slice
    return bits.unsignedExpGolomb() % 5 === 1;
  } catch {
    return false;
  }
}

/** slice_type modulo 5 is the place in this list (ITU-T H.264, table 7-6). */
const sliceTypes = ["P", "B", "I", "SP", "SI"] as const;

export type SliceType = (typeof sliceTypes)[number];

/** The beginning of a slice header, up to how its picture is remembered (ITU-T H.264, 7.3.3). */
export interface SliceHead {
  /** first_mb_in_slice: 0 in the first slice of a picture. */
  readonly firstMacroblock: number;
  readonly sliceType: SliceType;
  readonly frameNum: number;
  /** Only in an IDR picture. */
  readonly idrPicId?: number;
  /** Only with order count type 0. */
  readonly picOrderCountLsb?: number;
  /** Other pictures may refer to this one: nal_ref_idc above 0. */
  readonly isReference: boolean;
  readonly marking: ReferenceMarking;
}

/** What decoded reference picture marking (7.3.3.3) does to the picture itself. */
export interface ReferenceMarking {
  /** It becomes a long-term reference: long_term_reference_flag, or memory operation 6. */
  readonly longTerm: boolean;
  /** Counting begins anew after it: memory operation 5. An IDR picture does so without saying it. */
  readonly restartsCounting: boolean;
}

/**
 * Reads the head of a slice NAL unit of type 1 or 5, its header byte included; never more than its first KiB.
 * Throws `malformed`, and nothing else, for any other input, and for a slice that refers to another PPS than `pps`.
 */
export function parseSliceHead(nalu: Uint8Array, sps: SequenceParameters, pps: PictureParameters): SliceHead {
  const type = typeOf(nalu);
  if (type !== nalType.slice && type !== nalType.idr)
    throw new Fault("malformed", `Expected a slice, NAL unit type 1 or 5; got type ${type}.`);
  const isReference = ((nalu[0] ?? 0) & 0x60) !== 0;
  const bits = new BitReader(removeEmulationPrevention(nalu.subarray(1, headBytes)));
  const firstMacroblock = bits.unsignedExpGolomb();
  const sliceType = sliceTypeOf(bits.unsignedExpGolombUpTo(9, "slice_type"));
  const ppsId = bits.unsignedExpGolomb(); // pic_parameter_set_id
  if (ppsId !== pps.id)
    throw new Fault("malformed", `Expected a slice of PPS ${pps.id}; got one of PPS ${ppsId}.`);
  if (sps.separateColourPlanes) bits.unsigned(2); // colour_plane_id
  const frameNum = bits.unsigned(sps.log2MaxFrameNum);
  const isField = sps.interlaced && bits.flag();
  if (isField) bits.flag(); // bottom_field_flag
  const idrPicId = type === nalType.idr ? bits.unsignedExpGolomb() : undefined;
  const picOrderCountLsb = readPictureOrderCount(bits, sps, pps.bottomFieldOrderPresent && !isField);
  if (pps.redundantPicturesPresent) bits.unsignedExpGolomb(); // redundant_pic_cnt
  skipReferences(bits, sliceType, sps, pps);
  const marking = isReference ? readMarking(bits, type === nalType.idr) : unmarked;
  return {
    firstMacroblock,
    sliceType,
    frameNum,
    ...(idrPicId !== undefined && { idrPicId }),
    ...(picOrderCountLsb !== undefined && { picOrderCountLsb }),
    isReference,
    marking,
  };
}

function sliceTypeOf(code: number): SliceType {
  return sliceTypes[code % sliceTypes.length] ?? "SI";
}

/** Gives pic_order_cnt_lsb, if there is one. `bothFields`: the bottom field has a difference of its own. */
function readPictureOrderCount(
  bits: BitReader,
  { pictureOrderCount }: SequenceParameters,
  bothFields: boolean,
): number | undefined {
  if (pictureOrderCount.type === 0) {
    const lsb = bits.unsigned(pictureOrderCount.log2MaxLsb);
    if (bothFields) bits.signedExpGolomb(); // delta_pic_order_cnt_bottom
    return lsb;
  }
  if (pictureOrderCount.type === 1 && !pictureOrderCount.deltaAlwaysZero) {
    bits.signedExpGolomb(); // delta_pic_order_cnt[0]
    if (bothFields) bits.signedExpGolomb(); // delta_pic_order_cnt[1]
  }
  return undefined;
}

/** Everything about the reference lists: their lengths, their modification (7.3.3.1) and their weights (7.3.3.2). */
function skipReferences(
  bits: BitReader,
  type: SliceType,
  sps: SequenceParameters,
  pps: PictureParameters,
): void {
  if (type === "I" || type === "SI") return;
  const isB = type === "B";
  if (isB) bits.flag(); // direct_spatial_mv_pred_flag
  const counts = isB ? [...pps.defaultReferences] : [pps.defaultReferences[0]];
  if (bits.flag()) {
    for (const list of counts.keys())
      counts[list] = bits.unsignedExpGolombUpTo(31, "num_ref_idx_active_minus1") + 1;
  }
  for (const _ of counts) if (bits.flag()) skipModifications(bits);
  if (isB ? pps.weightedBiprediction === "explicit" : pps.weightedPrediction) {
    const hasChroma = sps.chromaFormat !== 0 && !sps.separateColourPlanes;
    bits.unsignedExpGolomb(); // luma_log2_weight_denom
    if (hasChroma) bits.unsignedExpGolomb(); // chroma_log2_weight_denom
    for (const count of counts) for (let i = 0; i < count; i += 1) skipWeights(bits, hasChroma);
  }
}

function skipModifications(bits: BitReader): void {
  for (;;) {
    if (bits.unsignedExpGolombUpTo(3, "modification_of_pic_nums_idc") === 3) return;
    bits.unsignedExpGolomb(); // abs_diff_pic_num_minus1 or long_term_pic_num
  }
}

function skipWeights(bits: BitReader, hasChroma: boolean): void {
  const skip = (count: number): void => {
    for (let i = 0; i < count; i += 1) bits.signedExpGolomb(); // weight and offset of each plane
  };
  if (bits.flag()) skip(2);
  if (hasChroma && bits.flag()) skip(4);
}

const unmarked: ReferenceMarking = { longTerm: false, restartsCounting: false };

/** dec_ref_pic_marking(), 7.3.3.3; the operations are those of table 7-9. */
function readMarking(bits: BitReader, isIdr: boolean): ReferenceMarking {
  if (isIdr) {
    bits.flag(); // no_output_of_prior_pics_flag
    return { longTerm: bits.flag(), restartsCounting: false };
  }
  if (!bits.flag()) return unmarked; // sliding window
  const marking = { longTerm: false, restartsCounting: false };
  for (;;) {
    const operation = bits.unsignedExpGolombUpTo(6, "memory_management_control_operation");
    if (operation === 0) return marking;
    if (operation === 5) marking.restartsCounting = true;
    if (operation === 6) marking.longTerm = true;
    if (operation !== 5) bits.unsignedExpGolomb(); // the picture or index it is about
    if (operation === 3) bits.unsignedExpGolomb(); // long_term_frame_idx
  }
}

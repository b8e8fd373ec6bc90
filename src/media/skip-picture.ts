/**
 * Pictures that show the last one again, made without decoding anything: a P picture of one slice in which every
 * macroblock is skipped (P_Skip, ITU-T H.264, 7.4.5 and 8.4.1.1) copies the newest reference picture exactly.
 * They keep a stream going while its camera is away.
 */
import { Fault } from "../domain/fault.ts";
import { addEmulationPrevention, BitWriter } from "./bits.ts";
import { CabacEncoder, initialContext } from "./cabac-encoder.ts";
import { isSlice, nalType, typeOf } from "./h264.ts";
import { parsePps } from "./pps.ts";
import type { PictureParameters } from "./pps.ts";
import { parseSliceHead } from "./slice.ts";
import type { SliceHead } from "./slice.ts";
import { parseSps } from "./sps.ts";
import type { SequenceParameters } from "./sps.ts";

/** Makes the skip pictures of one stream. Their times, and where they go, are the caller's. */
export interface SkipPictures {
  /**
   * Goes on from this picture: the NAL units of the last picture that was sent, complete, IDR or P. Must be called
   * before the first `next()`, and again after every picture that is sent between skip pictures. Where it is not
   * possible to go on, gives the reason as a clause in plain words, and nothing changes. Never throws.
   */
  follow(nalus: readonly Uint8Array[]): string | undefined;
  /** The NAL unit of the next skip picture: a reference picture itself, which the one after it goes on from. */
  next(): Uint8Array;
}

/** What a skip picture goes on from. */
interface Counters {
  frameNum: number;
  /** Means nothing where the order count type is not 0. */
  picOrderCountLsb: number;
}

/** A slice of a non-IDR picture, nal_ref_idc 2. */
const nalHeader = 0x41;
/** slice_type: P, as are all other slices of the picture. */
const onlyP = 5;
/** ctxIdx 11 for mb_skip_flag of a P slice with cabac_init_idc 0 (table 9-13). */
const skipFlagContext = { m: 23, n: 33 };
/** Frames are two apart, as each could be two fields. */
const picOrderCountStep = 2;

/**
 * Skip pictures for the stream with these parameter sets (NAL units, header bytes included). Where the stream uses
 * something for which they have not been proven, gives the reason as a clause in plain words. Never throws.
 */
export function createSkipPictures(sps: Uint8Array, pps: Uint8Array): SkipPictures | string {
  return orReason(() => {
    const sequence = parseSps(sps);
    const picture = parsePps(pps);
    const sets = [Uint8Array.from(sps), Uint8Array.from(pps)];
    return whyUnproven(sequence, picture) ?? skipPicturesOf(sequence, picture, sets);
  });
}

function skipPicturesOf(
  sps: SequenceParameters,
  pps: PictureParameters,
  sets: readonly Uint8Array[],
): SkipPictures {
  const body = sliceData(sps, pps);
  const counters: Counters = { frameNum: 0, picOrderCountLsb: 0 };
  const maxLsb = sps.pictureOrderCount.type === 0 ? 2 ** sps.pictureOrderCount.log2MaxLsb : 1;
  return {
    follow: (nalus) =>
      orReason(() => {
        if (nalus.some((nalu) => isOtherSet(nalu, sets))) return "its parameter sets have changed";
        const slices = nalus.filter((nalu) => isSlice(typeOf(nalu)));
        if (slices.some((nalu) => typeOf(nalu) !== nalType.slice && typeOf(nalu) !== nalType.idr))
          return "the last picture is cut into data partitions";
        const heads = slices.map((nalu) => parseSliceHead(nalu, sps, pps));
        const [first] = heads;
        if (first?.firstMacroblock !== 0) return "the beginning of the last picture is missing";
        for (const head of heads) {
          const reason = whyNotToFollow(head);
          if (reason !== undefined) return reason;
        }
        counters.frameNum = first.frameNum;
        counters.picOrderCountLsb = first.picOrderCountLsb ?? 0;
        return undefined;
      }),
    next: () => {
      counters.frameNum = (counters.frameNum + 1) % 2 ** sps.log2MaxFrameNum;
      counters.picOrderCountLsb = (counters.picOrderCountLsb + picOrderCountStep) % maxLsb;
      const bits = new BitWriter();
      bits.unsigned(8, nalHeader);
      writeSliceHeader(bits, sps, pps, counters);
      body(bits);
      return addEmulationPrevention(bits.bytes());
    },
  };
}

/** Gives the text of a fault as a reason; anything else thrown is a mistake of ours. */
function orReason<T>(work: () => T): T | string {
  try {
    return work();
  } catch (error) {
    if (error instanceof Fault) return `it cannot be read: ${error.message}`;
    throw error;
  }
}

function whyUnproven(sps: SequenceParameters, pps: PictureParameters): string | undefined {
  if (pps.spsId !== sps.id) return `its PPS belongs to SPS ${pps.spsId}, not to SPS ${sps.id}`;
  if (sps.interlaced) return "its pictures may be interlaced";
  if (sps.pictureOrderCount.type === 1)
    return "it counts the order of its pictures in the unusual way of type 1";
  if (sps.separateColourPlanes) return "its colour planes are coded separately";
  if (sps.chromaFormat !== 1) return "its colours are not sampled 4:2:0";
  if (sps.bitDepth !== 8) return `its samples have ${sps.bitDepth} bits, not 8`;
  if (sps.referenceFrames === 0) return "it allows no reference picture";
  if (sps.reorderFrames !== undefined && sps.reorderFrames > 0)
    return "its pictures are not shown in the order in which they come";
  if (pps.sliceGroups > 1) return "its macroblocks are spread over slice groups";
  if (pps.redundantPicturesPresent) return "it may carry redundant pictures";
  return undefined;
}

function whyNotToFollow(head: SliceHead): string | undefined {
  if (head.sliceType === "B") return "the last picture has a B slice";
  if (head.sliceType === "SP" || head.sliceType === "SI") return "the last picture has a switching slice";
  if (!head.isReference) return "the last picture is no reference, so the one before it would be shown";
  if (head.marking.longTerm) return "the last picture is a long-term reference";
  if (head.marking.restartsCounting) return "the last picture makes the counting of pictures begin anew";
  return undefined;
}

/** A parameter set with the type, and for a PPS the id, of one of `sets`, but with other bytes. */
function isOtherSet(nalu: Uint8Array, sets: readonly Uint8Array[]): boolean {
  const same = sets.find((set) => typeOf(set) === typeOf(nalu));
  if (same === undefined || Buffer.compare(same, nalu) === 0) return false;
  return typeOf(nalu) !== nalType.pps || parsePps(nalu).id === parsePps(same).id;
}

/** slice_header(), ITU-T H.264, 7.3.3. */
function writeSliceHeader(
  bits: BitWriter,
  sps: SequenceParameters,
  pps: PictureParameters,
  counters: Counters,
): void {
  bits.unsignedExpGolomb(0); // first_mb_in_slice
  bits.unsignedExpGolomb(onlyP);
  bits.unsignedExpGolomb(pps.id);
  bits.unsigned(sps.log2MaxFrameNum, counters.frameNum);
  if (sps.pictureOrderCount.type === 0) {
    bits.unsigned(sps.pictureOrderCount.log2MaxLsb, counters.picOrderCountLsb);
    if (pps.bottomFieldOrderPresent) bits.signedExpGolomb(0); // delta_pic_order_cnt_bottom
  }
  bits.flag(true); // num_ref_idx_active_override_flag
  bits.unsignedExpGolomb(0); // num_ref_idx_l0_active_minus1
  bits.flag(false); // ref_pic_list_modification_flag_l0: the newest reference comes first
  if (pps.weightedPrediction) {
    bits.unsignedExpGolomb(0); // luma_log2_weight_denom
    bits.unsignedExpGolomb(0); // chroma_log2_weight_denom
    bits.flag(false); // luma_weight_l0_flag
    bits.flag(false); // chroma_weight_l0_flag
  }
  bits.flag(false); // adaptive_ref_pic_marking_mode_flag: sliding window
  if (pps.entropyCoding === "cabac") bits.unsignedExpGolomb(0); // cabac_init_idc
  bits.signedExpGolomb(0); // slice_qp_delta
  // Without control the filter is on, but with no residual and equal motion there is nothing that it would change.
  if (pps.deblockingControlPresent) bits.unsignedExpGolomb(1); // disable_deblocking_filter_idc
}

/** Gives what writes slice_data() (7.3.4), the trailing bits included, behind a header: the same for every picture. */
function sliceData(sps: SequenceParameters, pps: PictureParameters): (bits: BitWriter) => void {
  const macroblocks = sps.widthInMacroblocks * sps.heightInMacroblocks;
  if (pps.entropyCoding === "cavlc") {
    return (bits) => {
      bits.unsignedExpGolomb(macroblocks); // mb_skip_run
      bits.trailingBits();
    };
  }
  const data = new BitWriter();
  const encoder = new CabacEncoder(data);
  // Neighbours that are skipped, or not there, both give ctxIdxInc 0 (9.3.3.1.1.1).
  const context = initialContext(skipFlagContext.m, skipFlagContext.n, pps.initialQp);
  for (let left = macroblocks - 1; left >= 0; left -= 1) {
    encoder.encode(context, true); // mb_skip_flag
    encoder.terminate(left === 0); // end_of_slice_flag; its flush writes the stop bit
  }
  data.align(false);
  const bytes = data.bytes();
  return (bits) => {
    bits.align(true); // cabac_alignment_one_bit
    for (const byte of bytes) bits.unsigned(8, byte);
  };
}

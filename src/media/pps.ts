import { Fault } from "../domain/fault.ts";
import { BitReader, removeEmulationPrevention } from "./bits.ts";

/** What a picture parameter set says, as far as a slice header depends on it (ITU-T H.264, 7.3.2.2 and 7.4.2.2). */
export interface PictureParameters {
  /** pic_parameter_set_id, 0 to 255. */
  readonly id: number;
  /** The SPS that this one belongs to, 0 to 31. */
  readonly spsId: number;
  /** entropy_coding_mode_flag. */
  readonly entropyCoding: "cavlc" | "cabac";
  /** bottom_field_pic_order_in_frame_present_flag. */
  readonly bottomFieldOrderPresent: boolean;
  /** 1 to 8; above 1 is flexible macroblock ordering. */
  readonly sliceGroups: number;
  /** Pictures in reference lists 0 and 1 where a slice does not tell, 1 to 32. */
  readonly defaultReferences: readonly [number, number];
  /** weighted_pred_flag: P slices carry weights. */
  readonly weightedPrediction: boolean;
  /** weighted_bipred_idc: B slices are weighted not at all, by a table of their own, or by distance. */
  readonly weightedBiprediction: "none" | "explicit" | "implicit";
  /** 26 + pic_init_qp_minus26: the luma quantiser before slice_qp_delta, -48 to 51 (below 0 only above 8 bits). */
  readonly initialQp: number;
  /** deblocking_filter_control_present_flag. */
  readonly deblockingControlPresent: boolean;
  /** redundant_pic_cnt_present_flag. */
  readonly redundantPicturesPresent: boolean;
}

const weightings = ["none", "explicit", "implicit"] as const;

/** Reads a PPS NAL unit, its header byte included. Throws `malformed`, and nothing else, for any other input. */
export function parsePps(nalu: Uint8Array): PictureParameters {
  const bits = new BitReader(removeEmulationPrevention(nalu.subarray(1)));
  const id = bits.unsignedExpGolombUpTo(255, "pic_parameter_set_id");
  const spsId = bits.unsignedExpGolombUpTo(31, "seq_parameter_set_id");
  const entropyCoding = bits.flag() ? "cabac" : "cavlc";
  const bottomFieldOrderPresent = bits.flag();
  const sliceGroups = bits.unsignedExpGolombUpTo(7, "num_slice_groups_minus1") + 1;
  if (sliceGroups > 1) skipSliceGroups(bits, sliceGroups);
  const defaultReferences = [
    bits.unsignedExpGolombUpTo(31, "num_ref_idx_l0_default_active_minus1") + 1,
    bits.unsignedExpGolombUpTo(31, "num_ref_idx_l1_default_active_minus1") + 1,
  ] as const;
  const weightedPrediction = bits.flag();
  const weightedBiprediction = weightings[bits.unsigned(2)];
  if (weightedBiprediction === undefined)
    throw new Fault("malformed", "The PPS gives 3 as weighted_bipred_idc, more than 2.");
  const initialQp = 26 + bits.signedExpGolomb();
  if (initialQp < -48 || initialQp > 51)
    throw new Fault("malformed", `The PPS gives an initial quantiser of ${initialQp}, outside -48 to 51.`);
  bits.signedExpGolomb(); // pic_init_qs_minus26
  bits.signedExpGolomb(); // chroma_qp_index_offset
  const deblockingControlPresent = bits.flag();
  bits.flag(); // constrained_intra_pred_flag
  const redundantPicturesPresent = bits.flag();
  // What may follow (transform_8x8_mode_flag, scaling lists) does not concern a slice header.
  return {
    id,
    spsId,
    entropyCoding,
    bottomFieldOrderPresent,
    sliceGroups,
    defaultReferences,
    weightedPrediction,
    weightedBiprediction,
    initialQp,
    deblockingControlPresent,
    redundantPicturesPresent,
  };
}

function skipSliceGroups(bits: BitReader, groups: number): void {
  const mapType = bits.unsignedExpGolombUpTo(6, "slice_group_map_type");
  if (mapType === 0) {
    for (let i = 0; i < groups; i += 1) bits.unsignedExpGolomb(); // run_length_minus1
  } else if (mapType === 2) {
    for (let i = 0; i < 2 * (groups - 1); i += 1) bits.unsignedExpGolomb(); // top_left and bottom_right
  } else if (mapType >= 3 && mapType <= 5) {
    bits.flag(); // slice_group_change_direction_flag
    bits.unsignedExpGolomb(); // slice_group_change_rate_minus1
  } else if (mapType === 6) {
    const size = Math.ceil(Math.log2(groups)) * (bits.unsignedExpGolomb() + 1); // slice_group_id of each map unit
    for (let left = size; left > 0; left -= 32) bits.unsigned(Math.min(left, 32));
  }
}

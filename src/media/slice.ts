import { BitReader, removeEmulationPrevention } from "./bits.ts";

/** Bytes of a slice that surely hold first_mb_in_slice and slice_type. */
const headerBytes = 16;

/** Whether a slice NAL unit is a B slice (slice_type 1 or 6; ITU-T H.264, table 7-6). False for anything unreadable. */
export function isBidirectional(nalu: Uint8Array): boolean {
  try {
    const bits = new BitReader(removeEmulationPrevention(nalu.subarray(1, headerBytes)));
    bits.unsignedExpGolomb(); // first_mb_in_slice
    return bits.unsignedExpGolomb() % 5 === 1;
  } catch {
    return false;
  }
}

import { BitReader, BitWriter, removeEmulationPrevention } from "../../src/media/bits.ts";
import { nalType, typeOf } from "../../src/media/h264.ts";
import { parseSps } from "../../src/media/sps.ts";
import { nalUnit } from "./h264-writer.ts";

/**
 * The pictures of an x264 stream (baseline, CAVLC, SPS id 0, order count type 2) as if they had been coded with order
 * count type 0 and 4 bits of pic_order_cnt_lsb, the fewest there can be.
 */
export function withOrderCounts(
  sps: Uint8Array,
  pictures: readonly (readonly Uint8Array[])[],
): { sps: Uint8Array; pictures: Uint8Array[][] } {
  const { log2MaxFrameNum } = parseSps(sps);
  const rewrittenSps = rewrite(sps, (from, to) => {
    to.unsigned(32, from.unsigned(32)); // NAL header, profile, constraints, level
    copyGolombs(from, to, 2); // seq_parameter_set_id, log2_max_frame_num_minus4
    from.unsignedExpGolomb(); // pic_order_cnt_type
    to.unsignedExpGolomb(0);
    to.unsignedExpGolomb(0); // log2_max_pic_order_cnt_lsb_minus4
  });
  let sinceIdr = 0;
  const rewritten = pictures.map((nalus) => {
    sinceIdr = nalus.some((nalu) => typeOf(nalu) === nalType.idr) ? 0 : sinceIdr + 1;
    return nalus.map((nalu) => {
      const type = typeOf(nalu);
      if (type === nalType.sps) return rewrittenSps;
      if (type !== nalType.slice && type !== nalType.idr) return nalu;
      return rewrite(nalu, (from, to) => {
        to.unsigned(8, from.unsigned(8));
        copyGolombs(from, to, 3); // first_mb_in_slice, slice_type, pic_parameter_set_id
        to.unsigned(log2MaxFrameNum, from.unsigned(log2MaxFrameNum));
        if (type === nalType.idr) copyGolombs(from, to, 1); // idr_pic_id
        to.unsigned(4, (2 * sinceIdr) % 16);
      });
    });
  });
  return { sps: rewrittenSps, pictures: rewritten };
}

/** Lets `change` write the beginning anew and copies what it has not read, up to the stop bit. */
function rewrite(nalu: Uint8Array, change: (from: BitReader, to: BitWriter) => void): Uint8Array {
  const rbsp = removeEmulationPrevention(nalu);
  const trailingZeros = 31 - Math.clz32((rbsp.at(-1) ?? 0) & -(rbsp.at(-1) ?? 0));
  const [from, to] = [new BitReader(rbsp), new BitWriter()];
  change(from, to);
  while (from.bitsLeft > trailingZeros + 1) to.flag(from.flag());
  return nalUnit(to);
}

function copyGolombs(from: BitReader, to: BitWriter, count: number): void {
  for (let i = 0; i < count; i += 1) to.unsignedExpGolomb(from.unsignedExpGolomb());
}

import { BitReader, removeEmulationPrevention } from "../../src/media/bits.ts";

/** A baseline SPS (ITU-T H.264, 7.3.2.1.1) without its VUI, so without any frame rate. */
export function withoutVui(sps: Uint8Array): Buffer {
  const rbsp = removeEmulationPrevention(sps);
  const bits = new BitReader(rbsp);
  bits.unsigned(32); // NAL header, profile, constraints, level
  const golombs = (count: number): number[] => Array.from({ length: count }, () => bits.unsignedExpGolomb());
  const [, , pictureOrderCountType] = golombs(3);
  if (pictureOrderCountType === 0) golombs(1);
  golombs(1); // reference frames
  bits.flag();
  golombs(2); // width and height in macroblocks
  if (!bits.flag()) bits.flag(); // frame_mbs_only_flag, mb_adaptive_frame_field_flag
  bits.flag();
  if (bits.flag()) golombs(4); // cropping
  const kept = rbsp.length * 8 - bits.bitsLeft;
  const all = Array.from({ length: kept }, (_, bit) => ((rbsp[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
  const written = [...all, 0, 1]; // no VUI, stop bit
  const bytes = Buffer.alloc(Math.ceil(written.length / 8));
  for (const [bit, value] of written.entries())
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (value << (7 - (bit & 7)));
  return bytes;
}

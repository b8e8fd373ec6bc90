import type { VideoUnit } from "../domain/media.ts";
import { joinAvcc, splitAvcc } from "./flv-reader.ts";
import type { FlvTag } from "./flv-reader.ts";
import { nalType, typeOf } from "./h264.ts";

/**
 * Makes the pictures of an FLV stream whole: FLV may tell the parameter sets only once, at its start, but a
 * `VideoUnit` that is an IDR has them in front.
 */
export class PictureAssembler {
  #sps: readonly Uint8Array[] = [];
  #pps: readonly Uint8Array[] = [];

  configure(tag: FlvTag & { readonly kind: "avc-config" }): void {
    this.#sps = tag.sps;
    this.#pps = tag.pps;
  }

  /**
   * Keeps the newest parameter sets and puts them in front of each IDR that comes without its own. Throws a `Fault`
   * with code `malformed` when the length of a NAL unit is wrong.
   */
  assemble(avcc: Buffer): Pick<VideoUnit, "nalus" | "avcc" | "keyframe"> {
    const nalus = splitAvcc(avcc);
    const own = (type: number): Uint8Array[] => nalus.filter((nalu) => typeOf(nalu) === type);
    const [sps, pps] = [own(nalType.sps), own(nalType.pps)];
    if (sps.length > 0) this.#sps = sps;
    if (pps.length > 0) this.#pps = pps;
    const keyframe = nalus.some((nalu) => typeOf(nalu) === nalType.idr);
    if (!keyframe || (sps.length > 0 && pps.length > 0)) return { nalus, avcc, keyframe };
    // A delimiter stays first (ITU-T H.264, 7.4.1.2.3).
    const delimiters =
      nalus[0] !== undefined && typeOf(nalus[0]) === nalType.delimiter ? nalus.splice(0, 1) : [];
    const complete = joinAvcc([...delimiters, ...this.#sps, ...this.#pps, ...nalus]);
    return { nalus: splitAvcc(complete), avcc: complete, keyframe };
  }
}

import type { VideoUnit } from "../../src/domain/media.ts";
import { nal, pps, sps } from "./rtp.ts";

/** A picture at a time in milliseconds; a keyframe carries its parameter sets. */
export function videoUnit(ms: number, keyframe = false, size = 100): VideoUnit {
  const nalus = keyframe ? [sps, pps, nal(5, size)] : [nal(1, size)];
  const avcc = Buffer.concat(
    nalus.flatMap((nalu) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(nalu.length);
      return [length, nalu];
    }),
  );
  const us = Math.round(ms * 1000);
  return {
    kind: "video",
    ptsUs: us,
    dtsUs: us,
    rtpTimestamp: (ms * 90) >>> 0,
    receivedUs: us,
    keyframe,
    nalus,
    avcc,
    packets: [],
  };
}

import type { RtpPacket } from "../../src/media/srtp.ts";
import { aggregate, payloadsOfNalu } from "../../src/simulator/robot/rtp-payloads.ts";

/** A packet as it comes out of SRTP, made from a bare payload. */
export function packetOf(payload: Uint8Array, fields: Partial<RtpPacket> = {}): RtpPacket {
  const data = Buffer.concat([Buffer.alloc(12), payload]);
  return {
    data,
    index: 0,
    timestamp: 0,
    ssrc: 1,
    payloadType: 96,
    marker: false,
    payloadStart: 12,
    payloadEnd: data.length,
    ...fields,
  };
}

/** A NAL unit of the given type; slices begin at macroblock 0. */
export function nal(type: number, length: number, fill = 0x5a): Uint8Array {
  const bytes = new Uint8Array(Math.max(length, 2)).fill(fill);
  bytes[0] = 0x60 | type;
  bytes[1] = 0x80 | (fill & 0x7f);
  return bytes;
}

export const sps = Buffer.from("6742c028da01e0089f97011000003e90000ea600f1832a", "hex");
export const pps = Buffer.from("68ce0fc8", "hex");

/** All packets of one access unit: parameter sets aggregated, the rest as RFC 6184 fragments. */
export function packetize(
  nalus: readonly Uint8Array[],
  fields: { readonly timestamp: number; readonly firstIndex: number; readonly limit?: number },
): RtpPacket[] {
  const sets = nalus.filter((nalu) => [7, 8].includes((nalu[0] ?? 0) & 0x1f));
  const rest = nalus.filter((nalu) => !sets.includes(nalu));
  const payloads = [
    ...(sets.length > 1 ? [aggregate(sets)] : sets),
    ...rest.flatMap((nalu) => payloadsOfNalu(nalu, fields.limit ?? 1188)),
  ];
  return payloads.map((payload, i) =>
    packetOf(payload, {
      index: fields.firstIndex + i,
      timestamp: fields.timestamp,
      marker: i === payloads.length - 1,
    }),
  );
}

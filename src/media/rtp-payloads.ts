import { Buffer } from "node:buffer";

/** With the longest header, the extension and the tag of SRTP a datagram has 1198 bytes: it fits through a VPN too. */
const maximumPayload = 1168;
const fragmentationUnit = 28;

/** One picture as RTP payloads, all in one memory. Each begins at a multiple of four bytes. */
export interface RtpPayloads {
  readonly memory: Buffer;
  readonly starts: readonly number[];
  readonly lengths: readonly number[];
}

/** Cuts NAL units into payloads of at most 1168 bytes: RFC 6184, 5.6 (single NAL unit) and 5.8 (FU-A). */
export function toRtpPayloads(nalus: readonly Uint8Array[]): RtpPayloads {
  const whole = nalus.filter(({ length }) => length > 0);
  let count = 0;
  for (const { length } of whole) count += packetsFor(length);
  const memory = Buffer.allocUnsafeSlow(count * maximumPayload);
  const starts: number[] = [];
  const lengths: number[] = [];
  const add = (length: number): number => {
    const start = starts.length * maximumPayload;
    starts.push(start);
    lengths.push(length);
    return start;
  };
  for (const nalu of whole) {
    if (nalu.length <= maximumPayload) memory.set(nalu, add(nalu.length));
    else {
      const header = nalu[0] ?? 0;
      const room = maximumPayload - 2;
      for (let from = 1; from < nalu.length; from += room) {
        const to = Math.min(nalu.length, from + room);
        const start = add(2 + to - from);
        memory[start] = (header & 0xe0) | fragmentationUnit;
        memory[start + 1] = (from === 1 ? 0x80 : 0) | (to === nalu.length ? 0x40 : 0) | (header & 0x1f);
        memory.set(nalu.subarray(from, to), start + 2);
      }
    }
  }
  return { memory, starts, lengths };
}

function packetsFor(naluLength: number): number {
  return naluLength <= maximumPayload ? 1 : Math.ceil((naluLength - 1) / (maximumPayload - 2));
}

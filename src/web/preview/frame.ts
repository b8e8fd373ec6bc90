/** One picture as it comes over the websocket. */
export interface Frame {
  readonly isKey: boolean;
  /** The camera's own 32-bit clock at 90 kHz. */
  readonly rtpTimestamp: number;
  /** Microseconds on spotlive's clock. */
  readonly ptsUs: number;
  /** One access unit as an Annex B byte stream (ITU-T H.264). */
  readonly data: Uint8Array<ArrayBuffer>;
}

const headerBytes = 16;
const version = 1;

/** Reads a binary message: 16 bytes of header, then the access unit. Undefined for anything else. Total. */
export function parseFrame(message: ArrayBuffer): Frame | undefined {
  if (message.byteLength <= headerBytes) return undefined;
  const view = new DataView(message);
  const ptsUs = view.getFloat64(8);
  if (view.getUint8(0) !== version || !Number.isFinite(ptsUs)) return undefined;
  return {
    isKey: (view.getUint8(1) & 1) === 1,
    rtpTimestamp: view.getUint32(4),
    ptsUs,
    data: new Uint8Array(message, headerBytes),
  };
}

/** Splits an Annex B byte stream into NAL units without their start codes. Total. */
export function splitNalus(stream: Uint8Array<ArrayBuffer>): readonly Uint8Array<ArrayBuffer>[] {
  const nalus: Uint8Array<ArrayBuffer>[] = [];
  let begin = -1;
  const take = (end: number): void => {
    let last = end;
    while (last > begin && stream[last - 1] === 0) last -= 1; // zero_byte and trailing_zero_8bits
    if (begin >= 0 && last > begin) nalus.push(stream.subarray(begin, last));
  };
  for (let at = stream.indexOf(1, 2); at >= 0; at = stream.indexOf(1, at + 1)) {
    if (stream[at - 1] !== 0 || stream[at - 2] !== 0) continue;
    take(at - 2);
    begin = at + 1;
  }
  take(stream.length);
  return nalus;
}

/** The type of a NAL unit (ITU-T H.264, table 7-1): 7 is an SPS, 8 a PPS, 9 a delimiter. */
export const typeOf = (nalu: Uint8Array): number => (nalu[0] ?? 0) & 0x1f;

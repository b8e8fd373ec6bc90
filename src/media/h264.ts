/** NAL unit types of H.264 that matter here (ITU-T H.264, table 7-1). */
export const nalType = {
  slice: 1,
  partitionC: 4,
  idr: 5,
  sei: 6,
  sps: 7,
  pps: 8,
  delimiter: 9,
} as const;

export function typeOf(nalu: Uint8Array): number {
  return (nalu[0] ?? 0) & 0x1f;
}

/** True for a NAL unit that carries picture data (types 1 to 5). */
export function isSlice(type: number): boolean {
  return type >= nalType.slice && type <= nalType.idr;
}

/** The parameter sets of a stream as they were last seen. */
export interface ParameterSets {
  readonly sps: Uint8Array;
  readonly pps: Uint8Array;
}

/** Splits an Annex B byte stream (start codes 000001 or 00000001) into NAL units without start codes. Total. */
export function splitAnnexB(stream: Uint8Array): Uint8Array[] {
  const buffer = Buffer.from(stream.buffer, stream.byteOffset, stream.byteLength);
  const startCode = Buffer.from([0, 0, 1]);
  const nalus: Uint8Array[] = [];
  let start = buffer.indexOf(startCode);
  while (start >= 0) {
    const begin = start + 3;
    start = buffer.indexOf(startCode, begin);
    let end = start < 0 ? buffer.length : start;
    while (end > begin && buffer[end - 1] === 0) end -= 1; // zero_byte and trailing_zero_8bits
    if (end > begin) nalus.push(buffer.subarray(begin, end));
  }
  return nalus;
}

/** Decodes `sprop-parameter-sets` of an SDP (RFC 6184, 8.1); what is not a parameter set is left out. Total. */
export function parseSpropParameterSets(value: string): Partial<ParameterSets> {
  const nalus = value.split(",").map((part) => Buffer.from(part, "base64"));
  const sps = nalus.find((nalu) => nalu.length >= 4 && typeOf(nalu) === nalType.sps);
  const pps = nalus.find((nalu) => nalu.length >= 2 && typeOf(nalu) === nalType.pps);
  return { ...(sps && { sps }), ...(pps && { pps }) };
}

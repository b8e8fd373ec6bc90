/** Most bytes of one RTP payload: 1200-byte packets with the 12-byte header, as WebRTC cameras send them. */
export const maximumPayload = 1188;

const fragmentationUnit = 28;
const aggregationPacket = 24;

/** Cuts one NAL unit into RTP payloads: itself if it fits, otherwise FU-A fragments (RFC 6184, 5.6 and 5.8). */
export function payloadsOfNalu(nalu: Uint8Array, limit: number = maximumPayload): readonly Uint8Array[] {
  if (nalu.length <= limit) return [nalu];
  const header = nalu[0] ?? 0;
  const indicator = (header & 0xe0) | fragmentationUnit;
  const type = header & 0x1f;
  const payloads: Uint8Array[] = [];
  const room = limit - 2;
  for (let offset = 1; offset < nalu.length; offset += room) {
    const part = nalu.subarray(offset, offset + room);
    const payload = Buffer.allocUnsafe(2 + part.length);
    const start = offset === 1 ? 0x80 : 0;
    const end = offset + room >= nalu.length ? 0x40 : 0;
    payload[0] = indicator;
    payload[1] = start | end | type;
    payload.set(part, 2);
    payloads.push(payload);
  }
  return payloads;
}

/** Puts several small NAL units into one STAP-A payload (RFC 6184, 5.7.1): the way parameter sets travel. */
export function aggregate(nalus: readonly Uint8Array[]): Uint8Array {
  const importance = Math.max(...nalus.map((nalu) => (nalu[0] ?? 0) & 0x60));
  const parts: Uint8Array[] = [Buffer.from([importance | aggregationPacket])];
  for (const nalu of nalus) parts.push(Buffer.from([nalu.length >> 8, nalu.length & 0xff]), nalu);
  return Buffer.concat(parts);
}

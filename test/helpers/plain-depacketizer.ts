import type { RtpPacket } from "werift";

/** One picture as it came over RTP. */
export interface PlainPicture {
  readonly timestamp: number;
  readonly ssrc: number;
  readonly nalus: readonly Uint8Array[];
}

/**
 * Puts the H.264 packets of one payload type into pictures, in the simplest way there is (RFC 6184): duplicates are
 * dropped, the order is that of the sequence numbers within each SSRC, and a picture that lacks a packet is left out.
 */
export function depacketize(packets: readonly RtpPacket[], payloadType = 96): readonly PlainPicture[] {
  const pictures: PlainPicture[] = [];
  let nalus: Uint8Array[] = [];
  let fragments: Uint8Array[] | undefined;
  let damaged = false;
  let previous: number | undefined;
  let ssrc: number | undefined;
  for (const packet of inSequence(packets, payloadType)) {
    const { header, payload } = packet;
    const extended = extendedOf(packet);
    if (ssrc !== header.ssrc) [nalus, fragments, previous, damaged] = [[], undefined, undefined, false];
    ssrc = header.ssrc;
    if (previous !== undefined && extended !== previous + 1) damaged = true;
    previous = extended;
    const type = (payload[0] ?? 0) & 31;
    if (type === 28) {
      const [indicator = 0, fu = 0] = payload;
      if ((fu & 0x80) !== 0) fragments = [Buffer.from([(indicator & 0xe0) | (fu & 31)])];
      fragments?.push(payload.subarray(2));
      if ((fu & 0x40) !== 0 && fragments !== undefined) nalus.push(Buffer.concat(fragments));
    } else if (type === 24) {
      for (let offset = 1; offset + 2 <= payload.length;) {
        const end = offset + 2 + payload.readUInt16BE(offset);
        nalus.push(payload.subarray(offset + 2, end));
        offset = end;
      }
    } else nalus.push(payload);
    if (!header.marker) continue;
    if (!damaged) pictures.push({ timestamp: header.timestamp, ssrc: header.ssrc, nalus });
    [nalus, fragments, damaged] = [[], undefined, false];
  }
  return pictures;
}

/** The pictures as one Annex B stream. */
export function annexB(pictures: readonly PlainPicture[]): Buffer {
  const startCode = Buffer.from([0, 0, 0, 1]);
  return Buffer.concat(pictures.flatMap(({ nalus }) => nalus.flatMap((nalu) => [startCode, nalu])));
}

/** The pictures from the first that has an IDR slice on. */
export function fromFirstIdr(pictures: readonly PlainPicture[]): readonly PlainPicture[] {
  const first = pictures.findIndex(hasIdr);
  return first === -1 ? [] : pictures.slice(first);
}

export function hasIdr(picture: PlainPicture): boolean {
  return picture.nalus.some((nalu) => ((nalu[0] ?? 0) & 31) === 5);
}

const extendedSequences = new WeakMap<RtpPacket, number>();

function extendedOf(packet: RtpPacket): number {
  return extendedSequences.get(packet) ?? packet.header.sequenceNumber;
}

function inSequence(packets: readonly RtpPacket[], payloadType: number): readonly RtpPacket[] {
  const groups = new Map<number, Map<number, RtpPacket>>();
  const highest = new Map<number, number>();
  for (const packet of packets) {
    const { ssrc, sequenceNumber, payloadType: type } = packet.header;
    if (type !== payloadType) continue;
    const newest = highest.get(ssrc) ?? sequenceNumber;
    const extended = newest + ((((sequenceNumber - newest) % 65_536) + 65_536 + 32_768) % 65_536) - 32_768;
    highest.set(ssrc, Math.max(newest, extended));
    extendedSequences.set(packet, extended);
    const group = groups.get(ssrc) ?? new Map<number, RtpPacket>();
    group.set(extended, packet);
    groups.set(ssrc, group);
  }
  return [...groups.values()].flatMap((group) =>
    [...group].toSorted(([a], [b]) => a - b).map(([, packet]) => packet),
  );
}

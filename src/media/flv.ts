/**
 * FLV tag bodies: what an RTMP video (type 9) or audio (type 8) message carries.
 * Source: Adobe Flash Video File Format Specification 10.1, annex E.4.2 and E.4.3; ISO/IEC 14496-15 for the AVC
 * configuration record; ISO/IEC 14496-3 for the AAC one.
 */

/** Bytes in front of the AVCC block of a picture. */
export const avcHeaderLength = 5;

/** Bytes in front of a raw AAC access unit. */
export const aacHeaderLength = 2;

/** Writes the 5 bytes in front of one picture: frame type, AVC NALU, composition time (PTS - DTS) in milliseconds. */
export function writeAvcHeader(
  target: Buffer,
  offset: number,
  keyframe: boolean,
  compositionMs: number,
): void {
  target[offset] = keyframe ? 0x17 : 0x27;
  target[offset + 1] = 1;
  target.writeIntBE(compositionMs, offset + 2, 3);
}

/** The AVC sequence header: an AVCDecoderConfigurationRecord with 4-byte NAL lengths. `sps` holds at least 4 bytes. */
export function avcSequenceHeader(sps: Uint8Array, pps: Uint8Array): Buffer {
  const record = Buffer.alloc(avcHeaderLength + 11 + sps.length + pps.length);
  record[0] = 0x17;
  record[5] = 1;
  record.set(sps.subarray(1, 4), 6); // profile, constraint flags, level
  record[9] = 0xff; // 4-byte lengths
  record[10] = 0xe1; // one SPS
  record.writeUInt16BE(sps.length, 11);
  record.set(sps, 13);
  const offset = 13 + sps.length;
  record[offset] = 1;
  record.writeUInt16BE(pps.length, offset + 1);
  record.set(pps, offset + 3);
  return record;
}

/** Writes the 2 bytes in front of one raw AAC access unit (44 kHz stereo 16 bit, as the specification demands for AAC). */
export function writeAacHeader(target: Buffer, offset: number): void {
  target[offset] = 0xaf;
  target[offset + 1] = 1;
}

/** The AAC sequence header around an AudioSpecificConfig. */
export function aacSequenceHeader(config: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0xaf, 0]), config]);
}

/** Fragmented MP4 (ISO/IEC 14496-12 and -15) with one H.264 track, as Media Source Extensions take it. */

type Bytes = Uint8Array<ArrayBuffer>;

export const timescale = 90_000;
const trackId = 1;

export interface ParameterSets {
  readonly sps: Bytes;
  readonly pps: Bytes;
}

const bytes = (...values: readonly number[]): Bytes => Uint8Array.from(values);
const u16 = (value: number): Bytes => bytes((value >> 8) & 0xff, value & 0xff);
const u32 = (value: number): Bytes => {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value);
  return out;
};
const u64 = (value: number): Bytes => {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(Math.max(0, Math.round(value))));
  return out;
};
const zeros = (count: number): Bytes => new Uint8Array(count);
const text = (value: string): Bytes => Uint8Array.from(value, (letter) => letter.charCodeAt(0));

function join(parts: readonly Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function box(type: string, ...content: readonly Bytes[]): Bytes {
  const body = join(content);
  return join([u32(body.length + 8), text(type), body]);
}

/** A box that begins with a version and flags. */
const fullBox = (type: string, version: number, flags: number, ...content: readonly Bytes[]): Bytes =>
  box(type, bytes(version), u32(flags).subarray(1), ...content);

/** No rotation, no scaling: 1.0 at three places, in fixed point. */
const unityMatrix = join([u32(0x10000), zeros(12), u32(0x10000), zeros(12), u32(0x40000000)]);

function decoderConfiguration({ sps, pps }: ParameterSets): Bytes {
  const lengthOfFour = 0xff;
  const oneSps = 0xe1;
  return box(
    "avcC",
    bytes(1, sps[1] ?? 0, sps[2] ?? 0, sps[3] ?? 0, lengthOfFour, oneSps),
    ...[u16(sps.length), sps, bytes(1), u16(pps.length), pps],
  );
}

function sampleTable(size: { readonly width: number; readonly height: number }, sets: ParameterSets): Bytes {
  const picture = box(
    "avc1",
    ...[zeros(6), u16(1), zeros(16), u16(size.width), u16(size.height)],
    ...[u32(0x480000), u32(0x480000), zeros(4), u16(1), zeros(32), u16(24), u16(0xffff)],
    decoderConfiguration(sets),
  );
  const none = u32(0);
  return box(
    "stbl",
    fullBox("stsd", 0, 0, u32(1), picture),
    fullBox("stts", 0, 0, none),
    fullBox("stsc", 0, 0, none),
    fullBox("stsz", 0, 0, none, none),
    fullBox("stco", 0, 0, none),
  );
}

/** What comes before the first picture, and again when size or parameter sets change. */
export function initSegment(
  size: { readonly width: number; readonly height: number },
  sets: ParameterSets,
): Bytes {
  const header = fullBox(
    "mvhd",
    ...([0, 0] as const),
    ...[zeros(8), u32(timescale), u32(0), u32(0x10000), u16(0x100), zeros(10), unityMatrix, zeros(24)],
    u32(trackId + 1),
  );
  const enabledInMovie = 3;
  const trackHeader = fullBox(
    "tkhd",
    ...([0, enabledInMovie] as const),
    ...[zeros(8), u32(trackId), zeros(4), u32(0), zeros(16), unityMatrix],
    ...[u32(size.width * 0x10000), u32(size.height * 0x10000)],
  );
  const undetermined = 0x55c4;
  const media = box(
    "mdia",
    fullBox("mdhd", 0, 0, zeros(8), u32(timescale), u32(0), u16(undetermined), u16(0)),
    fullBox("hdlr", 0, 0, zeros(4), text("vide"), zeros(12), text("camera\0")),
    box(
      "minf",
      fullBox("vmhd", 0, 1, zeros(8)),
      box("dinf", fullBox("dref", 0, 0, u32(1), fullBox("url ", 0, 1))),
      sampleTable(size, sets),
    ),
  );
  return join([
    box("ftyp", text("isom"), u32(1), text("isomavc1")),
    box(
      "moov",
      header,
      box("trak", trackHeader, media),
      box("mvex", fullBox("trex", 0, 0, u32(trackId), u32(1), u32(0), u32(0), u32(0))),
    ),
  ]);
}

export interface Picture {
  /** Counts up from 1. */
  readonly sequence: number;
  /** In units of the time scale. */
  readonly time: number;
  readonly duration: number;
  readonly isKey: boolean;
  /** Without start codes. */
  readonly nalus: readonly Bytes[];
}

/** One picture as a fragment of its own. */
export function fragment({ sequence, time, duration, isKey, nalus }: Picture): Bytes {
  const data = join(nalus.flatMap((nalu) => [u32(nalu.length), nalu]));
  const needsNoOther = 0x02000000;
  const needsOthers = 0x01010000;
  const baseIsMoof = 0x020000;
  const [hasOffset, hasDuration, hasSize, hasFlags] = [0x1, 0x100, 0x200, 0x400];
  const moof = (offset: number): Bytes =>
    box(
      "moof",
      fullBox("mfhd", 0, 0, u32(sequence)),
      box(
        "traf",
        fullBox("tfhd", 0, baseIsMoof, u32(trackId)),
        fullBox("tfdt", 1, 0, u64(time)),
        fullBox(
          "trun",
          ...([0, hasOffset | hasDuration | hasSize | hasFlags] as const),
          ...[u32(1), u32(offset), u32(duration), u32(data.length)],
          u32(isKey ? needsNoOther : needsOthers),
        ),
      ),
    );
  // The picture begins after this box and the head of the next one.
  return join([moof(moof(0).length + 8), box("mdat", data)]);
}

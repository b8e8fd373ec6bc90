import { open } from "node:fs/promises";

/** What arrived at the ingest, read from its FLV recording. */
export interface Delivery {
  readonly frames: number;
  readonly keyframes: number;
  /** From the first to the last picture's timestamp. */
  readonly seconds: number;
  readonly bytes: number;
}

const fileHeaderLength = 13;
const tagHeaderLength = 11;
const videoTag = 9;
const avcPicture = 1;
/** Tag header, then frame type and AVC packet type. */
const looked = tagHeaderLength + 2;

/** Counts the pictures of an FLV file (FLV 10.1, annex E.4.1): only heads are read, a cut tag at the end is left out. */
export async function countPictures(path: string): Promise<Delivery> {
  const counted = { frames: 0, keyframes: 0, bytes: 0 };
  let [first, last]: [number | undefined, number] = [undefined, 0];
  await using file = await open(path);
  const { size } = await file.stat();
  const head = Buffer.alloc(looked);
  for (let offset = fileHeaderLength; offset + looked < size;) {
    await file.read(head, 0, looked, offset);
    const length = head.readUIntBE(1, 3);
    if (offset + tagHeaderLength + length > size) break;
    const isPicture = ((head[0] ?? 0) & 0x1f) === videoTag && head[tagHeaderLength + 1] === avcPicture;
    if (isPicture) {
      const milliseconds = head.readUIntBE(4, 3) + (head[7] ?? 0) * 2 ** 24;
      first ??= milliseconds;
      last = milliseconds;
      counted.frames += 1;
      counted.bytes += length;
      if ((head[tagHeaderLength] ?? 0) >> 4 === 1) counted.keyframes += 1;
    }
    offset += tagHeaderLength + length + 4;
  }
  return { ...counted, seconds: first === undefined ? 0 : (last - first) / 1000 };
}

import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../lib/atomic-file.ts";
import { encoderArguments, startEncoder } from "./encoder.ts";
import type { EncodedPicture } from "./encoder.ts";
import { drawGrid } from "./picture-code.ts";
import type { PictureSettings } from "./options.ts";

const shortestSeconds = 10;
const longestSeconds = 20;

/** The beep and its flash last this many frames of each second. */
export function isFlashing(frame: number, fps: number): boolean {
  return frame % fps < Math.max(1, Math.round(fps / 15));
}

/**
 * How many frames a loop of these settings has: 10 to 20 s, whole seconds and whole groups of pictures, so that nothing
 * jumps where it begins anew. Undefined where only a running encoder can do what is asked.
 */
export function loopLength(settings: PictureSettings): number | undefined {
  const { fps, idrInterval } = settings;
  if (settings.idr !== "periodic") return undefined;
  const unit = (fps * idrInterval) / greatestCommonDivisor(fps, idrInterval);
  const frames = unit * Math.ceil((shortestSeconds * fps) / unit);
  return frames <= longestSeconds * fps ? frames : undefined;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/**
 * The pictures of one loop, from the cache or encoded now (a few seconds) and put there. Undefined where these settings
 * cannot be looped. Frame numbers in a loop go from 0 to its length - 1.
 */
export async function loadLoop(
  settings: PictureSettings,
  screen: string,
  cacheDirectory: string,
  signal: AbortSignal,
): Promise<readonly EncodedPicture[] | undefined> {
  const length = loopLength(settings);
  if (length === undefined) return undefined;
  const path = join(cacheDirectory, `${cacheKey(settings, screen, length)}.loop`);
  const cached = await readCached(path, length);
  if (cached !== undefined) return cached;
  const pictures = await encodeLoop(settings, screen, length, signal);
  await writeFileAtomic(path, serializeLoop(pictures));
  return pictures;
}

function cacheKey(settings: PictureSettings, screen: string, length: number): string {
  const made = [
    encoderArguments(settings),
    settings.idrInterval,
    length,
    drawGrid(0x5a5a5, screen, false).toString("hex"),
  ];
  return createHash("sha256").update(JSON.stringify(made)).digest("hex").slice(0, 32);
}

async function readCached(path: string, length: number): Promise<readonly EncodedPicture[] | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const pictures = parseLoop(bytes);
  if (pictures?.length === length) return pictures;
  await rm(path, { force: true });
  return undefined;
}

async function encodeLoop(
  settings: PictureSettings,
  screen: string,
  length: number,
  signal: AbortSignal,
): Promise<readonly EncodedPicture[]> {
  await using encoder = await startEncoder(settings, signal);
  const pictures: Promise<EncodedPicture>[] = [];
  for (let number = 0; number < length; number++) {
    const idr = number % settings.idrInterval === 0;
    const picture = encoder.encode({ number, screen, flashing: isFlashing(number, settings.fps), idr });
    pictures.push(picture);
    // Few enough in flight for the pipes between us, so that neither side holds the whole loop for the other.
    if (number % 32 === 31) await picture;
  }
  return await Promise.all(pictures);
}

/** Parameter sets once, then for each picture: keyframe, number of payloads, and each payload after its length. */
export function serializeLoop(pictures: readonly EncodedPicture[]): Buffer {
  const parts: Uint8Array[] = [];
  const put = (bytes: Uint8Array): void => {
    parts.push(Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes);
  };
  put(pictures[0]?.parameterSets ?? Buffer.alloc(0));
  for (const picture of pictures) {
    const count = picture.payloads.length;
    parts.push(Buffer.from([picture.keyframe ? 1 : 0, count >> 8, count & 0xff]));
    for (const payload of picture.payloads) put(payload);
  }
  return Buffer.concat(parts);
}

/** The inverse of `serializeLoop`; undefined for bytes that it did not make, a half-written file for example. */
export function parseLoop(bytes: Buffer): readonly EncodedPicture[] | undefined {
  let offset = 0;
  let damaged = false;
  const take = (length: number): Buffer => {
    const part = bytes.subarray(offset, offset + length);
    damaged ||= part.length < length;
    offset += length;
    return part;
  };
  const takeNumber = (length: number): number => take(length).reduce((sum, byte) => sum * 256 + byte, 0);
  const parameterSets = take(takeNumber(2));
  const pictures: EncodedPicture[] = [];
  while (!damaged && offset < bytes.length) {
    const keyframe = takeNumber(1) === 1;
    const count = takeNumber(2);
    const payloads: Buffer[] = [];
    for (let index = 0; index < count && !damaged; index++) payloads.push(take(takeNumber(2)));
    pictures.push({
      keyframe,
      entry: keyframe,
      payloads,
      parameterSets,
      bytes: payloads.reduce((sum, one) => sum + one.length, 0),
    });
  }
  return damaged ? undefined : pictures;
}

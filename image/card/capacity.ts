import { createHash, randomBytes } from "node:crypto";
import type { Image } from "./image-file.ts";
import { isFailure } from "./medium.ts";
import type { IoFailure, Medium } from "./medium.ts";
import { findDisplacements } from "./origin.ts";
import { findStray } from "./read-back.ts";
import type { Stray } from "./read-back.ts";
import type { Verdict } from "./verdict.ts";

/**
 * Marks in the part of a card that the image does not reach. They are written before the image, so that on a card whose
 * addresses begin anew it is they that are lost, and looked at after it.
 */
export interface Marks {
  readonly seed: Buffer;
  /** Ascending, multiples of `markBytes`. */
  readonly offsets: readonly number[];
}

/** One block of every card. */
export const markBytes = 4096;
const evenly = 48;

/**
 * Where marks go: evenly, so that some lie beyond the end of a card that has less than it says, or on the image of one
 * whose addresses begin anew; the last block; and every power of two, where the addresses of most such cards begin anew.
 */
export function placeMarks(imageBytes: number, cardBytes: number): readonly number[] {
  const [from, to] = [Math.ceil(imageBytes / markBytes), Math.floor(cardBytes / markBytes) - 1];
  if (to < from) return [];
  const places = new Set([to]);
  for (let index = 0; index < evenly; index++) places.add(Math.floor(from + ((to - from) * index) / evenly));
  for (let size = 2 ** Math.ceil(Math.log2(from)); size <= to; size *= 2) places.add(size);
  return [...places].toSorted((a, b) => a - b).map((place) => place * markBytes);
}

/** Writes the marks; resolves with the first failure. */
export async function writeMarks(
  medium: Medium,
  imageBytes: number,
  signal: AbortSignal,
): Promise<Marks | IoFailure> {
  const marks = { seed: randomBytes(16), offsets: placeMarks(imageBytes, medium.bytes) };
  for (const offset of marks.offsets) {
    signal.throwIfAborted();
    const failure = await medium.write(offset, markOf(marks.seed, offset));
    if (isFailure(failure)) return failure;
  }
  return marks;
}

/** A mark that is not there. */
interface LostMark {
  readonly offset: number;
  /** How far away what is there was written to; empty where it is known from nowhere. */
  readonly shifts: readonly number[];
}

/** What the marks say once the image is known to be right; undefined when all are there. */
export async function checkMarks(
  medium: Medium,
  image: Image,
  marks: Marks,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  const strays: Stray[] = [];
  const lost: LostMark[] = [];
  for (const offset of marks.offsets) {
    signal.throwIfAborted();
    const wanted = markOf(marks.seed, offset);
    const got = await medium.read(offset, markBytes);
    if (isFailure(got)) return { kind: "read-failed", failure: got };
    if (got.equals(wanted)) continue;
    const other = marks.offsets.find((other) => got.equals(markOf(marks.seed, other)));
    lost.push({ offset, shifts: other === undefined ? [] : [other - offset] });
    const stray = other === undefined ? findStray(got, wanted, offset) : undefined;
    if (stray !== undefined) strays.push(stray);
  }
  if (lost.length === 0) return undefined;
  const inImage = await findDisplacements(image, strays, signal);
  const explained = lost.map(({ offset, shifts }) => {
    const index = strays.findIndex((stray) => stray.offset >= offset && stray.offset < offset + markBytes);
    return { offset, shifts: [...shifts, ...(inImage[index] ?? [])] };
  });
  return judgeMarks(explained, marks, medium.bytes);
}

/** One mark alone that is lost, and to nothing else, is a bad place; the card goes on behind it. */
function judgeMarks(lost: readonly LostMark[], { offsets }: Marks, claimedBytes: number): Verdict {
  const [first] = lost;
  const isFake = lost.length > 1 || first?.offset === offsets.at(-1) || (first?.shifts.length ?? 0) > 0;
  if (!isFake) return { kind: "worn", offset: first?.offset ?? 0, places: 1 };
  const sizes = lost.map(({ offset, shifts }) => Math.max(...shifts.map(Math.abs), 0) || offset);
  return { kind: "fake-capacity", claimedBytes, realBytes: Math.min(...sizes) };
}

function markOf(seed: Buffer, offset: number): Buffer {
  const hash = createHash("shake256", { outputLength: markBytes });
  return hash.update(seed).update(`${offset}`).digest();
}

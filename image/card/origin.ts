import type { Image } from "./image-file.ts";
import type { BadBlock, Stray } from "./read-back.ts";

const sector = 512;
/** Whether a sector's beginning is worth a comparison is told by four of its bytes. */
const keyBytes = 4;
/** What is in so many places of the image, as a page of a font, tells nothing. */
const tooMany = 32;

/**
 * Searches the image for what was found in wrong places, and gives for each how far from there it was written to (in
 * bytes, above 0: behind it), every possibility.
 */
export async function findDisplacements(
  image: Image,
  strays: readonly Stray[],
  signal: AbortSignal,
): Promise<readonly ReadonlySet<number>[]> {
  const found = strays.map(() => new Set<number>());
  const byKey = new Map<number, number[]>();
  for (const [index, { bytes }] of strays.entries()) {
    const key = bytes.readUInt32LE(0);
    byKey.set(key, [...(byKey.get(key) ?? []), index]);
  }
  for await (const { offset, bytes } of image.blocks()) {
    signal.throwIfAborted();
    for (let at = 0; at + keyBytes <= bytes.length; at += sector)
      for (const index of byKey.get(bytes.readUInt32LE(at)) ?? []) {
        const stray = strays[index];
        const displacement = offset + at - (stray?.offset ?? 0);
        if (
          displacement !== 0 &&
          (found[index]?.size ?? 0) <= tooMany &&
          stray?.bytes.equals(bytes.subarray(at, at + sector)) === true
        )
          found[index]?.add(displacement);
      }
  }
  return found;
}

/**
 * The size of a card whose addresses begin anew: what was written at `offset + n * size` is found at `offset`. Undefined
 * unless most strays have the same explanation.
 */
export function wrappedSize(
  imageBytes: number,
  bad: readonly BadBlock[],
  displacements: readonly ReadonlySet<number>[],
): number | undefined {
  // The last that was written is right: nothing within one size from the end is bad.
  const most = imageBytes - Math.max(...bad.map(({ offset }) => offset));
  const telling = displacements.filter((found) => found.size <= tooMany);
  const all = telling.flatMap((found) => [...found]);
  const candidates = new Set(all.filter((size) => size > 0 && size <= most));
  let best: { readonly size: number; readonly score: number } = { size: 0, score: 0 };
  for (const size of candidates) {
    const explained = telling.filter((found) => [...found].some((shift) => shift > 0 && shift % size === 0));
    // Of two that explain as much the larger: every size is explained by its divisors too.
    if (explained.length > best.score || (explained.length === best.score && size > best.size))
      best = { size, score: explained.length };
  }
  return best.score * 2 > telling.length ? best.size : undefined;
}

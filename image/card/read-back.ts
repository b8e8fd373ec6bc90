import { ahead } from "./blocks.ts";
import type { OnBytes } from "./blocks.ts";
import type { Image } from "./image-file.ts";
import { isFailure } from "./medium.ts";
import type { IoFailure, Medium } from "./medium.ts";
import { padded } from "./write-image.ts";

/** A sector that holds something else than was written there. */
export interface Stray {
  readonly offset: number;
  readonly bytes: Buffer;
}

/** A block that is not the image's. */
export interface BadBlock {
  /** Of its first wrong sector. */
  readonly offset: number;
  /** A wrong sector by which its origin can be told; undefined where all are blank. */
  readonly stray?: Stray;
  /** What belongs there, whole and padded; of the first few only. */
  readonly wanted?: { readonly offset: number; readonly bytes: Buffer };
}

/** What reading the whole image back has shown. */
export type Survey =
  | { readonly kind: "failed"; readonly failure: IoFailure }
  | { readonly kind: "reads-differ"; readonly offset: number }
  | {
      readonly kind: "read";
      readonly bad: readonly BadBlock[];
      /** Offsets of the blocks that are right and not blank. */
      readonly right: readonly number[];
    };

const sector = 512;
/** So many bad blocks are looked into: read twice more, kept to be written again. */
export const closelyLooked = 8;

/**
 * Reads every block back and compares it. A block that is wrong is read twice more. Goes on to the end, as where a card
 * is right and where it is not tells what is wrong with it. Rejects with a `Fault` when the image file fails.
 */
export async function readBack(
  medium: Medium,
  image: Image,
  signal: AbortSignal,
  onBytes: OnBytes,
): Promise<Survey> {
  const bad: BadBlock[] = [];
  const right: number[] = [];
  for await (const { offset, bytes } of ahead(image.blocks())) {
    signal.throwIfAborted();
    const wanted = padded(bytes, medium.blockBytes);
    const got = await medium.read(offset, wanted.length);
    if (isFailure(got))
      return { kind: "failed", failure: await pinpoint(medium, got, offset, wanted.length) };
    if (!got.equals(wanted)) {
      const isClose = bad.length < closelyLooked;
      const place = offset + firstDifference(got, wanted);
      const again = isClose ? await readAgain(medium, offset, got) : undefined;
      if (typeof again === "object") return { kind: "failed", failure: again };
      if (again === "differs") return { kind: "reads-differ", offset: place };
      const stray = findStray(got, wanted, offset);
      bad.push({
        offset: place,
        ...(stray && { stray }),
        ...(isClose && { wanted: { offset, bytes: wanted } }),
      });
    } else if (!repeats(wanted, 1)) right.push(offset);
    onBytes(offset + bytes.length);
  }
  return { kind: "read", bad, right };
}

/** Whether a place gives the same bytes in two more readings. */
async function readAgain(
  medium: Medium,
  offset: number,
  first: Buffer,
): Promise<"same" | "differs" | IoFailure> {
  for (let time = 0; time < 2; time++) {
    const got = await medium.read(offset, first.length);
    if (isFailure(got)) return got;
    if (!got.equals(first)) return "differs";
  }
  return "same";
}

/** Finds the piece of a block at which a reading fails; the block's beginning when it succeeds in pieces. */
async function pinpoint(
  medium: Medium,
  failure: IoFailure,
  offset: number,
  length: number,
): Promise<IoFailure> {
  const piece = 1 << 16;
  if (failure.isGone) return failure;
  for (let done = 0; done < length; done += piece) {
    const got = await medium.read(offset + done, Math.min(piece, length - done));
    if (isFailure(got)) return got;
  }
  return failure;
}

/** In whole sectors. */
function firstDifference(got: Buffer, wanted: Buffer): number {
  for (let at = 0; at < got.length; at += sector) if (differs(got, wanted, at)) return at;
  return 0;
}

/** A wrong sector that is not just a few bytes again and again. */
export function findStray(got: Buffer, wanted: Buffer, offset: number): Stray | undefined {
  for (let at = 0; at < got.length; at += sector) {
    const bytes = got.subarray(at, at + sector);
    if (differs(got, wanted, at) && !repeats(bytes, 8))
      return { offset: offset + at, bytes: Buffer.from(bytes) };
  }
  return undefined;
}

const differs = (got: Buffer, wanted: Buffer, at: number): boolean =>
  got.compare(wanted, at, at + sector, at, at + sector) !== 0;

const repeats = (bytes: Buffer, period: number): boolean =>
  bytes.subarray(period).equals(bytes.subarray(0, -period));

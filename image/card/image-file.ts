import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Fault, toFault } from "../../src/domain/fault.ts";
import { damagedImage, damageOf, intoBlocks, isPacked, readUnpacked } from "./blocks.ts";
import type { Block, OnBytes } from "./blocks.ts";
import { readPartitionTable } from "./gpt.ts";
import type { Partition } from "./gpt.ts";
import { matchesChecksum, readManifest } from "./image-proof.ts";

/** An image that has been read to its end once and is whole. */
export interface Image {
  readonly name: string;
  /** Of the unpacked image. */
  readonly bytes: number;
  readonly partitions: readonly Partition[];
  /** Whether anything but the archive itself says that it is the right one. */
  readonly isProven: boolean;
  /**
   * The whole image in blocks of `blockBytes`, the last one shorter, as often as asked for. Whoever takes a block may
   * change its bytes. Throws a `Fault` (`malformed`) when the file is no longer what it was.
   */
  blocks(): AsyncGenerator<Block, void>;
}

const sector = 512;

/** Bytes that come in place of the image's own. */
export interface Patch {
  readonly offset: number;
  readonly bytes: Buffer;
}

/**
 * Reads an image file to its end: `NAME.img` or `NAME.img.zst`, and `NAME.img.zst.sha256` and `NAME.manifest.json`
 * where they lie beside it. Rejects with a `Fault`: `malformed` for a damaged image, `usage` where there is none.
 */
export async function examineImage(path: string, signal: AbortSignal, onBytes: OnBytes): Promise<Image> {
  const found = await stat(path).catch((error: unknown) => {
    throw toFault(error, "usage", "The image cannot be read");
  });
  if (!found.isFile() || !/\.img(\.zst)?$/.test(path))
    throw new Fault("usage", `${path}: expected a file whose name ends in .img or .img.zst.`);
  const hasChecksum = await matchesChecksum(path, signal);
  const manifest = await readManifest(path);
  const hash = createHash("sha256");
  let bytes = 0;
  let table: ReturnType<typeof readPartitionTable>;
  try {
    for await (const block of intoBlocks(readUnpacked(path))) {
      signal.throwIfAborted();
      if (block.offset === 0) table = readPartitionTable(block.bytes);
      hash.update(block.bytes);
      bytes += block.bytes.length;
      onBytes(bytes);
    }
  } catch (error) {
    const damage = damageOf(error);
    throw damage === undefined ? error : damagedImage(path, `unpacking it ends with "${damage}"`, error);
  }
  const sha256 = hash.digest("hex");
  if (manifest !== undefined && manifest.bytes !== bytes)
    throw damagedImage(path, `it has ${bytes} bytes unpacked, and its manifest says ${manifest.bytes}`);
  if (manifest !== undefined && manifest.sha256 !== sha256)
    throw damagedImage(path, `its SHA-256 unpacked is ${sha256}, and its manifest says ${manifest.sha256}`);
  if (bytes === 0 || bytes % sector !== 0)
    throw damagedImage(path, `it has ${bytes} bytes unpacked, which is no number of whole sectors`);
  if (table !== undefined && table.diskBytes > bytes)
    throw damagedImage(path, `its partition table speaks of ${table.diskBytes} bytes, and it has ${bytes}`);
  const partitions = table?.partitions ?? [];
  const isProven = hasChecksum || manifest !== undefined || isPacked(path);
  return { name: basename(path), bytes, partitions, isProven, blocks: () => sameAgain(path, sha256) };
}

/** The image with other bytes in some places. */
export function patchImage(image: Image, patches: readonly Patch[]): Image {
  return {
    ...image,
    async *blocks() {
      for await (const block of image.blocks()) {
        for (const patch of patches) applyPatch(block, patch);
        yield block;
      }
    },
  };
}

function applyPatch({ offset, bytes }: Block, patch: Patch): void {
  const [from, to] = [patch.offset - offset, patch.offset - offset + patch.bytes.length];
  if (to <= 0 || from >= bytes.length) return;
  const [begin, end] = [Math.max(0, from), Math.min(bytes.length, to)];
  bytes.set(patch.bytes.subarray(begin - from, end - from), begin);
}

async function* sameAgain(path: string, sha256: string): AsyncGenerator<Block, void> {
  const hash = createHash("sha256");
  try {
    for await (const block of intoBlocks(readUnpacked(path))) {
      hash.update(block.bytes);
      yield block;
    }
  } catch (error) {
    throw damageOf(error) === undefined ? error : changed(path, error);
  }
  if (hash.digest("hex") !== sha256) throw changed(path);
}

function changed(path: string, cause?: unknown): Fault {
  const text = `${path} was whole at first and gave other bytes later. Somebody changes it, or this computer's disk or memory cannot be relied on: try on another computer.`;
  return new Fault("malformed", text, { cause });
}

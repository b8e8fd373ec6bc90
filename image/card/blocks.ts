import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import { Fault } from "../../src/domain/fault.ts";

/** What is written and read at once: a multiple of every card's sectors, and of a page of WebAssembly. */
export const blockBytes = 4 << 20;

/** A piece of an image at its place. */
export interface Block {
  readonly offset: number;
  readonly bytes: Buffer;
}

/** Told after each block, and never waited for. */
export type OnBytes = (done: number) => void;

/** The bytes of a file in chunks of any size; those of a `.zst` file unpacked. */
export function readUnpacked(path: string): AsyncIterable<Buffer> {
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  if (!isPacked(path)) return file as AsyncIterable<Buffer>;
  const unpacked = createZstdDecompress({ chunkSize: 1 << 20 });
  return pipeline(file, unpacked, () => {}); // what goes wrong is told to whoever reads
}

export const isPacked = (path: string): boolean => path.endsWith(".zst");

/** Joins and cuts chunks to blocks of `blockBytes`, the last one shorter. Each block is a buffer of its own. */
export async function* intoBlocks(chunks: AsyncIterable<Buffer>): AsyncGenerator<Block, void> {
  let [offset, length] = [0, 0];
  let block = Buffer.allocUnsafe(blockBytes);
  for await (const chunk of chunks)
    for (let from = 0; from < chunk.length;) {
      const taken = chunk.copy(block, length, from);
      from += taken;
      length += taken;
      if (length < blockBytes) continue;
      yield { offset, bytes: block };
      offset += length;
      length = 0;
      block = Buffer.allocUnsafe(blockBytes);
    }
  if (length > 0) yield { offset, bytes: block.subarray(0, length) };
}

/** The same items, each asked for while the one before is being worked on. */
export async function* ahead<Item>(items: AsyncGenerator<Item, void>): AsyncGenerator<Item, void> {
  let next = items.next();
  try {
    for (let item = await next; item.done !== true; item = await next) {
      next = items.next();
      next.catch(() => {}); // told at its turn
      yield item.value;
    }
  } finally {
    await next.catch(() => {});
    await items.return();
  }
}

/** Whether an error says that packed bytes are not what they were, and what it says. */
export function damageOf(error: unknown): string | undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  return /^Z(STD)?_/.test(code ?? "") ? message : undefined;
}

export function damagedImage(path: string, why: string, cause?: unknown): Fault {
  const text = `${path} is damaged: ${why}. Download or copy it again; the card and the reader are not to blame.`;
  return new Fault("malformed", text, { cause });
}

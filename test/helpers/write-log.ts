import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";

/** What a disk was told, in the order in which it had done it. */
export type Entry =
  | {
      readonly kind: "write";
      /** Where on the disk, bytes. */
      readonly at: number;
      readonly length: number;
      /** Where in the log the bytes are. */
      readonly dataAt: number;
      /** All that came before was to be on the platters first. */
      readonly flushesBefore: boolean;
      /** Done only when it was on the platters itself (force unit access). */
      readonly isForced: boolean;
    }
  | { readonly kind: "flush" }
  /** What lay there is not needed any more: a disk may keep it or not. */
  | { readonly kind: "discard"; readonly at: number; readonly length: number };

/** The log that QEMU's filter `blklogwrites` and Linux's dm-log-writes write. */
export interface WriteLog {
  readonly path: string;
  readonly entries: readonly Entry[];
}

/** A disk tears a write apart nowhere else. */
export const diskSector = 512;

const magic = 0x6a736677736872n;
const headLength = 32;
const flags = { flush: 1n, forced: 2n, discard: 4n, mark: 8n };

/** Reads the list of a log; what was written stays in the file. Throws when it is no such log, or not whole. */
export async function readWriteLog(path: string): Promise<WriteLog> {
  await using file = await open(path);
  const { size } = await file.stat();
  const head = await readAt(file, 0, headLength);
  if (head.length < headLength || head.readBigUInt64LE(0) !== magic || head.readBigUInt64LE(8) !== 1n)
    throw new Error(`${path}: expected a log of writes (dm-log-writes, version 1), got something else`);
  const [count, unit] = [Number(head.readBigUInt64LE(16)), head.readUInt32LE(24)];
  if (unit < diskSector || unit > 65_536 || unit % diskSector !== 0)
    throw new Error(`${path}: expected sectors of 512 to 65536 bytes, got ${unit}`);
  const entries: Entry[] = [];
  let at = unit;
  for (let index = 0; index < count; index += 1) {
    const head = at + unit > size ? undefined : await readAt(file, at, headLength);
    const entry = head && parseEntry(head, unit, at + unit);
    at += unit + (entry?.kind === "write" ? entry.length : 0);
    if (entry === undefined || at > size)
      throw new Error(`${path}: expected ${count} entries, got ${index}: it ends early or is damaged there`);
    if (entry.kind !== "mark") entries.push(entry);
  }
  return { path, entries };
}

/** Gives undefined for what no disk is told. */
function parseEntry(
  head: Buffer,
  unit: number,
  dataAt: number,
): Entry | { readonly kind: "mark" } | undefined {
  const [sector, sectors, flag] = [0, 8, 16].map((offset) => head.readBigUInt64LE(offset)) as [
    bigint,
    bigint,
    bigint,
  ];
  const [at, length] = [Number(sector) * unit, Number(sectors) * unit];
  const has = (bit: bigint): boolean => (flag & bit) !== 0n;
  if (!Number.isSafeInteger(at + length)) return undefined;
  if (has(flags.mark)) return { kind: "mark" };
  if (has(flags.discard)) return { kind: "discard", at, length };
  if (length > 0)
    return {
      kind: "write",
      at,
      length,
      dataAt,
      flushesBefore: has(flags.flush),
      isForced: has(flags.forced),
    };
  return has(flags.flush) ? { kind: "flush" } : undefined;
}

/** How many writes and bytes went to a range of the disk; discards count as writes of nothing. */
export function writesTo(
  { entries }: WriteLog,
  range: { readonly offset: number; readonly bytes: number },
): { readonly writes: number; readonly bytes: number } {
  const within = entries.flatMap((entry) =>
    entry.kind !== "flush" && entry.at < range.offset + range.bytes && entry.at + entry.length > range.offset
      ? [entry.kind === "write" ? entry.length : 0]
      : [],
  );
  return { writes: within.length, bytes: within.reduce((sum, length) => sum + length, 0) };
}

/** The bytes of a write. */
export async function readWritten(log: FileHandle, { dataAt, length }: Write): Promise<Buffer> {
  const bytes = await readAt(log, dataAt, length);
  if (bytes.length < length) throw new Error(`the log of writes ends within the write at ${dataAt}`);
  return bytes;
}

export type Write = Extract<Entry, { kind: "write" }>;

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

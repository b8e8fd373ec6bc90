import { crc32 } from "node:zlib";

/** One partition of a GUID partition table (UEFI Specification 2.10, 5.3). */
export interface Partition {
  readonly name: string;
  /** In bytes, from the beginning of the disk. */
  readonly offset: number;
  readonly bytes: number;
}

export interface PartitionTable {
  readonly partitions: readonly Partition[];
  /** The bytes that the disk must have for the table's own copy at its end. */
  readonly diskBytes: number;
}

const sector = 512;
const mostEntries = 128;

/** Reads the table from the first bytes of a disk; undefined where there is none, or it is damaged. Total. */
export function readPartitionTable(disk: Buffer): PartitionTable | undefined {
  const header = disk.subarray(sector, 2 * sector);
  if (header.length < sector || header.toString("latin1", 0, 8) !== "EFI PART") return undefined;
  const headerBytes = header.readUInt32LE(12);
  if (headerBytes < 92 || headerBytes > sector) return undefined;
  const plain = Buffer.from(header.subarray(0, headerBytes));
  plain.writeUInt32LE(0, 16); // the sum is made with its own place empty
  if (crc32(plain) !== header.readUInt32LE(16)) return undefined;
  const [count, entryBytes] = [header.readUInt32LE(80), header.readUInt32LE(84)];
  const from = Number(header.readBigUInt64LE(72)) * sector;
  if (count > mostEntries || entryBytes < 128 || entryBytes > 1024) return undefined;
  const entries = disk.subarray(from, from + count * entryBytes);
  if (entries.length < count * entryBytes || crc32(entries) !== header.readUInt32LE(88)) return undefined;
  const partitions = Array.from({ length: count }, (_, index) =>
    readEntry(entries.subarray(index * entryBytes, (index + 1) * entryBytes)),
  ).filter((partition) => partition !== undefined);
  return { partitions, diskBytes: (Number(header.readBigUInt64LE(32)) + 1) * sector };
}

function readEntry(entry: Buffer): Partition | undefined {
  if (entry.subarray(0, 16).every((byte) => byte === 0)) return undefined; // not used
  const [first, last] = [Number(entry.readBigUInt64LE(32)), Number(entry.readBigUInt64LE(40))];
  if (last < first) return undefined;
  const [name = ""] = entry.toString("utf16le", 56, 128).split("\0");
  return { name, offset: first * sector, bytes: (last - first + 1) * sector };
}

import { open } from "node:fs/promises";

const sector = 512;
const tableOffset = 446;
/** Cylinder, head and sector of what lies beyond them: the block address counts. */
const beyond = [0xfe, 0xff, 0xff] as const;
const fat32 = 0x0c;
const guidTable = 0xee;

/**
 * Names a FAT partition in the older table too, for firmware that reads no other. The entry that says "here is a GUID
 * partition table" stays, second and shorter: whoever knows that table goes on reading it. `start` and `count` in sectors.
 */
export async function nameInMbr(
  image: string,
  { start, count }: { readonly start: number; readonly count: number },
): Promise<void> {
  const entries = Buffer.alloc(4 * 16);
  writeEntry(entries, 0, { type: fat32, start, count });
  writeEntry(entries, 1, { type: guidTable, start: 1, count: start - 1 });
  await using file = await open(image, "r+");
  const { buffer: mbr } = await file.read(Buffer.alloc(sector), 0, sector, 0);
  if (mbr.readUInt16LE(510) !== 0xaa55 || mbr[tableOffset + 4] !== guidTable)
    throw new Error(`${image} has no GUID partition table; expected one.`);
  await file.write(entries, 0, entries.length, tableOffset);
}

interface Entry {
  readonly type: number;
  readonly start: number;
  readonly count: number;
}

function writeEntry(table: Buffer, index: number, { type, start, count }: Entry): void {
  const at = index * 16;
  table.set([0, ...beyond, type, ...beyond], at);
  table.writeUInt32LE(start, at + 8);
  table.writeUInt32LE(count, at + 12);
}

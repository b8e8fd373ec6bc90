import { execFile } from "node:child_process";
import { mkdtemp, open, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { boards, findBoard } from "../../image/disk/boards.ts";
import { assembleDisk } from "../../image/disk/filesystems.ts";
import type { Part } from "../../image/disk/filesystems.ts";
import { nameInMbr } from "../../image/disk/hybrid-mbr.ts";
import { readPartitions } from "../helpers/disk-image.ts";

const run = promisify(execFile);
const mebibyte = 1 << 20;
const parts = [
  { name: "boot", size: 16 * mebibyte },
  { name: "root-a", size: 8 * mebibyte },
  { name: "root-b", size: 8 * mebibyte },
  { name: "data", size: 8 * mebibyte },
] as const satisfies readonly Part[];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "partition-table-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function diskOf(name: string): Promise<string> {
  const disk = join(folder, `${name}.img`);
  const identity = { name: `${name} 1.2.3`, time: 1_750_000_000 };
  await assembleDisk(parts, disk, identity, findBoard(name).bootPartition);
  return disk;
}

interface Table {
  readonly label: string;
  readonly partitions: readonly {
    readonly start: number;
    readonly size: number;
    readonly type: string;
    readonly name?: string;
  }[];
}

/** As util-linux sees it, and with it every Linux: libfdisk and libblkid are read by sfdisk and partx. */
async function tableOf(disk: string): Promise<Table> {
  const { stdout } = await run("/sbin/sfdisk", ["--json", disk]);
  return (JSON.parse(stdout) as { readonly partitiontable: Table }).partitiontable;
}

/** The older table alone: start, size and type of each of its entries, in sectors. */
async function olderTableOf(disk: string): Promise<readonly (readonly [number, number, number])[]> {
  await using file = await open(disk);
  const { buffer } = await file.read(Buffer.alloc(512), 0, 512, 0);
  expect(buffer.readUInt16LE(510)).toBe(0xaa55);
  return [0, 1, 2, 3]
    .map((index) => buffer.subarray(446 + 16 * index, 462 + 16 * index))
    .map((entry) => [entry.readUInt32LE(8), entry.readUInt32LE(12), entry.readUInt8(4)] as const)
    .filter(([, , type]) => type !== 0);
}

it.each(boards.map(({ name }) => name))(
  "a disk of %s has a table in which everything is found",
  async (name) => {
    const disk = await diskOf(name);
    const table = await tableOf(disk);
    expect(table.label).toBe("gpt");
    expect(table.partitions.map(({ name }) => name)).toEqual(["boot", "root-a", "root-b", "data"]);
    expect((await readPartitions(disk)).map(({ name, offset, bytes }) => [name, offset, bytes])).toEqual(
      table.partitions.map(({ name, start, size }) => [name, start * 512, size * 512]),
    );
    const { stdout } = await run("/usr/bin/partx", ["--show", "--noheadings", "--output", "NAME", disk]);
    expect(stdout.trim().split(/\s+/)).toEqual(["boot", "root-a", "root-b", "data"]);
  },
);

it.each(["raspberry-pi-3", "raspberry-pi-4"])(
  "the boot partition of %s is in the older table too, first, as FAT32",
  async (name) => {
    const disk = await diskOf(name);
    expect(await olderTableOf(disk)).toEqual([
      [8192, 16 * 2048, 0x0c],
      [1, 8191, 0xee],
    ]);
    const { stdout } = await run("/usr/bin/file", ["-b", disk]);
    expect(stdout).toMatch(/partition 1 : ID=0xc,.*startsector 8192, 32768 sectors; partition 2 : ID=0xee/);
  },
);

it.each(["raspberry-pi-5", "jetson-nano", "generic-arm64"])(
  "the older table of %s says nothing but that there is a newer one",
  async (name) => {
    expect((await olderTableOf(await diskOf(name))).map(([start, , type]) => [start, type])).toEqual([
      [1, 0xee],
    ]);
  },
);

it("the boot partition is of the kind that its firmware looks for", async () => {
  const types = await Promise.all(
    ["raspberry-pi-3", "raspberry-pi-5", "jetson-nano", "generic-arm64"].map(
      async (name) => (await tableOf(await diskOf(name))).partitions[0]?.type,
    ),
  );
  const [basicData, efi] = ["EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"];
  expect(types).toEqual([basicData, basicData, efi, efi]);
});

it("both tables are the same bytes each time, and stay when the device lets its last partition grow", async () => {
  const disk = await diskOf("raspberry-pi-3");
  const first = await readFile(disk);
  expect((await readFile(await diskOf("raspberry-pi-3"))).equals(first)).toBe(true);
  await truncate(disk, 128 * mebibyte);
  const before = await olderTableOf(disk);
  const start = (await tableOf(disk)).partitions[3]?.start ?? 0;
  const end = (128 - 1) * 2048; // as spotlive-grow does it
  const line = `${start}, ${end - start}`;
  const grow = 'echo "$1" | sfdisk --quiet --no-reread --force -N 4 "$2"';
  await run("sh", ["-euc", grow, "sh", line, disk], { env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } });
  expect(await olderTableOf(disk)).toEqual(before);
  expect((await readPartitions(disk)).at(-1)).toMatchObject({ name: "data", bytes: (end - start) * 512 });
});

it("a disk without a table is not given half of one", async () => {
  const disk = join(folder, "empty.img");
  await using file = await open(disk, "w");
  await file.truncate(mebibyte);
  await expect(nameInMbr(disk, { start: 8192, count: 1 })).rejects.toThrow("no GUID partition table");
});

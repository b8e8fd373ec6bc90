import { execFileSync } from "node:child_process";
import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPartitionTable } from "../../../../image/card/gpt.ts";
import { makeFakeRoot } from "../../../helpers/fake-root.ts";

const mebibyte = 1 << 20;

/** The first bytes of a disk of 64 MiB that sfdisk has partitioned. */
async function partitioned(script: string): Promise<Buffer> {
  await using folder = await makeFakeRoot();
  const path = join(folder.directory, "disk");
  await writeFile(path, "");
  await using file = await open(path, "r+");
  await file.truncate(64 * mebibyte);
  execFileSync("/sbin/sfdisk", ["--quiet", path], { input: script });
  return (await readFile(path)).subarray(0, 4 * mebibyte);
}

const disk = await partitioned(
  "label: gpt\nname=boot, start=8192, size=16384, type=uefi\nname=root-a, size=32768\n",
);

describe("a GUID partition table", () => {
  it("is read as sfdisk writes it", () => {
    expect(readPartitionTable(disk)).toEqual({
      partitions: [
        { name: "boot", offset: 4 * mebibyte, bytes: 8 * mebibyte },
        { name: "root-a", offset: 12 * mebibyte, bytes: 16 * mebibyte },
      ],
      diskBytes: 64 * mebibyte,
    });
  });

  it("is not taken when a bit of it is wrong", () => {
    const size = 2 * 512 + 128 * 128;
    fc.assert(
      fc.property(fc.integer({ min: 512, max: size - 1 }), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const wrong = Buffer.from(disk);
        wrong.writeUInt8(wrong.readUInt8(at) ^ (1 << bit), at);
        // Behind the header's 92 bytes nothing counts to the end of the sector.
        if (at >= 512 + 92 && at < 1024) expect(readPartitionTable(wrong)).toEqual(readPartitionTable(disk));
        else expect(readPartitionTable(wrong)).toBeUndefined();
      }),
    );
  });

  it("is not there on an empty disk, one with an older table, and in nonsense", async () => {
    expect(readPartitionTable(Buffer.alloc(0))).toBeUndefined();
    expect(readPartitionTable(Buffer.alloc(4 * mebibyte))).toBeUndefined();
    expect(readPartitionTable(await partitioned("label: dos\nsize=16384\n"))).toBeUndefined();
    const header = disk.subarray(512, 604);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4096 }), (bytes) => {
        readPartitionTable(
          Buffer.concat([disk.subarray(0, 512), header.subarray(0, 20), Buffer.from(bytes)]),
        );
      }),
    );
  });
});

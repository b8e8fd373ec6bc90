import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { assembleDisk, makeData, makeFat, makeSlot } from "../../image/disk/filesystems.ts";
import type { Identity } from "../../image/disk/filesystems.ts";
import { openMke2fs } from "../../image/disk/mke2fs.ts";

const mebibyte = 1_048_576;
const identity: Identity = { name: "a-board 1.2.3", time: 1_750_000_000 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reproducible-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Writes the same files, in another order and at other times of day. */
async function writeRoot(root: string, names: readonly string[], seenAt: number): Promise<void> {
  await mkdir(join(root, "usr/lib"), { recursive: true });
  for (const name of names) {
    await writeFile(join(root, "usr/lib", name), name.repeat(1000));
    await utimes(join(root, "usr/lib", name), seenAt, name === "old" ? 1_600_000_000 : Date.now() / 1000);
  }
  await symlink("usr/lib", join(root, "lib"));
}

async function makeDisk(name: string, names: readonly string[], wanted: Identity): Promise<string> {
  const place = join(folder, name);
  const [root, boot] = [join(place, "tree"), join(place, "boot")];
  await writeRoot(root, names, Date.now() / 1000 - 60 * name.length);
  await mkdir(join(boot, "EFI"), { recursive: true });
  for (const file of names) await writeFile(join(boot, "EFI", file), file);
  const mke2fs = await openMke2fs(wanted);
  const [fat, slot, data] = ["boot.fat", "slot.ext4", "data.ext4"].map((file) => join(place, file)) as [
    ...[string, string, string],
  ];
  await makeFat(boot, fat, 40 * mebibyte, wanted);
  await makeSlot(root, slot, 32 * mebibyte, wanted, mke2fs);
  await makeData(place, data, 16 * mebibyte, wanted, mke2fs);
  const disk = join(place, "disk.img");
  const parts = [
    { name: "boot", size: 40 * mebibyte, file: fat },
    { name: "root-a", size: 32 * mebibyte, file: slot },
    { name: "root-b", size: 32 * mebibyte },
    { name: "data", size: 16 * mebibyte, file: data },
  ] as const;
  await assembleDisk(parts, disk, wanted, { type: "efi", inMbr: false });
  return createHash("sha256")
    .update(await readFile(disk))
    .digest("hex");
}

it("a disk has the same bytes when the same files are packed at another time, in another order", async () => {
  const first = await makeDisk("first", ["new", "old", "other"], identity);
  expect(await makeDisk("the-second", ["other", "new", "old"], identity)).toBe(first);
  expect(await makeDisk("third", ["new", "old", "other"], { ...identity, name: "a-board 1.2.4" })).not.toBe(
    first,
  );
});

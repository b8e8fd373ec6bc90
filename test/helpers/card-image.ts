import { execFile, execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const mebibyte = 1 << 20;

/** A small image with the partitions of a real one. */
export interface CardImage {
  /** `NAME.img.zst`, with its checksum and manifest beside it. */
  readonly packed: string;
  /** Unpacked. */
  readonly content: Buffer;
  /** Of the boot partition, in bytes. */
  readonly bootOffset: number;
}

/** Makes one of 64 MiB in a folder: a FAT32 with a few files, a system, an empty rest. */
export async function makeCardImage(folder: string, name = "spotlive-test"): Promise<CardImage> {
  const [path, boot] = [join(folder, `${name}.img`), join(folder, "boot.fat")];
  const [bootOffset, bootBytes] = [4 * mebibyte, 38 * mebibyte];
  await using file = await open(path, "w");
  await file.truncate(64 * mebibyte);
  const table = `label: gpt\nname=boot, start=8192, size=${bootBytes / 512}, type=uefi\nname=root-a, size=34816\n`;
  execFileSync("/sbin/sfdisk", ["--quiet", path], { input: table });
  await run("/sbin/mkfs.vfat", [
    "-F",
    "32",
    "-s",
    "1",
    "-n",
    "SPOTLIVE",
    "-C",
    boot,
    String(bootBytes / 1024),
  ]);
  const kernel = join(folder, "kernel");
  await writeFile(kernel, randomBytes(3 * mebibyte));
  for (const name of ["vmlinuz", "spotlive.yaml.txt"]) await run("mcopy", ["-i", boot, kernel, `::${name}`]);
  await file.write(await readFile(boot), 0, bootBytes, bootOffset);
  await file.write(randomBytes(17 * mebibyte), 0, 17 * mebibyte, bootOffset + bootBytes);
  await file.close();
  const packed = `${path}.zst`;
  await run("zstd", ["-q", "-3", path, "-o", packed]);
  const { stdout } = await run("sha256sum", [`${name}.img.zst`], { cwd: folder });
  await writeFile(`${packed}.sha256`, stdout);
  const content = await readFile(path);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const manifest = JSON.stringify({ image: { bytes: content.length, sha256 } });
  await writeFile(join(folder, `${name}.manifest.json`), manifest);
  for (const leftover of [path, boot, kernel]) await rm(leftover);
  return { packed, content, bootOffset };
}

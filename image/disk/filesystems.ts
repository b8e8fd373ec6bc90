import { createHash } from "node:crypto";
import { mkdir, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { runTool } from "../deb/tools.ts";
import type { BootPartition } from "./boards.ts";
import { nameInMbr } from "./hybrid-mbr.ts";

const mebibyte = 1_048_576;

/** What makes an image the same each time: no id of it is drawn by chance, and no time is that of the build. */
export interface Identity {
  /** Of the image: board and version. */
  readonly name: string;
  /** Seconds since 1970. */
  readonly time: number;
}

/** An id that belongs to one thing of one image (RFC 9562, version 8). */
export function uuidOf({ name }: Identity, thing: string): string {
  const hash = createHash("sha256").update(`${name} ${thing}`).digest("hex");
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/** Makes the FAT file system of a folder, file by file in the order of their names. */
export async function makeFat(from: string, file: string, size: number, identity: Identity): Promise<void> {
  await makeSparse(file, size);
  const volume = uuidOf(identity, "boot").slice(0, 8);
  const label = ["-n", "SPOTLIVE", "-i", volume] as const;
  await runTool("mkfs.vfat", "--invariant", "-F", "32", "-s", String(clusterSectors(size)), ...label, file);
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => [relative(from, join(entry.parentPath, entry.name)), entry] as const);
  // mtools writes this time for what it makes, and local time.
  const env = ["env", "TZ=UTC", `SOURCE_DATE_EPOCH=${identity.time}`] as const;
  for (const [path, entry] of paths.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const target = `::/${path}`;
    if (entry.isDirectory()) await runTool(...env, "mmd", "-i", file, target);
    else await runTool(...env, "mcopy", "-i", file, join(from, path), target);
  }
}

/**
 * The largest clusters with which this is still a FAT32 (65,525 of them): firmware reads a kernel cluster by cluster. A few
 * more, as the table itself takes its place.
 */
function clusterSectors(size: number): number {
  return Math.max(1, 2 ** Math.floor(Math.log2(size / 512 / 70_000)));
}

/**
 * Makes the ext4 file system of a root. A slot is never written to while it is in use: it has no journal, and nothing that
 * GRUB does not know.
 */
export async function makeSlot(
  tree: string,
  file: string,
  size: number,
  identity: Identity,
  mke2fs: Mke2fs,
): Promise<void> {
  const id = uuidOf(identity, "root-a");
  const features = "^has_journal,^metadata_csum_seed,^orphan_file";
  await clampTimes(tree, identity);
  await makeSparse(file, size);
  await mke2fs(["-O", features, "-U", id, "-E", `hash_seed=${id}`, "-m", "0", "-L", "root-a"], tree, file);
}

/** Makes the data partition with the folders that the system counts on. It grows to the end of the card on the device. */
export async function makeData(
  folder: string,
  file: string,
  size: number,
  identity: Identity,
  mke2fs: Mke2fs,
): Promise<void> {
  const id = uuidOf(identity, "data");
  const root = join(folder, "data");
  for (const [name, mode] of dataFolders)
    await mkdir(join(root, name), { recursive: true, mode: mode ?? 0o755 });
  await clampTimes(root, identity);
  await makeSparse(file, size);
  const features = "^metadata_csum_seed,^orphan_file";
  await mke2fs(["-O", features, "-U", id, "-E", `hash_seed=${id}`, "-m", "1", "-L", "data"], root, file);
}

const dataFolders: readonly (readonly [name: string, mode?: number])[] = [
  ["spotlive"],
  ["system"],
  ["system/ssh", 0o700],
  ["system/timesync"],
];

/** What was made by the build gets the time of the commit; what came with packages keeps its own. */
async function clampTimes(folder: string, { time }: Identity): Promise<void> {
  const newer = ["-newermt", `@${time}`, "-exec", "touch", "-h", "-d", `@${time}`, "{}", "+"];
  await runTool("find", folder, ...newer);
}

/** Runs mke2fs with options, the folder that goes in, and the file. */
export type Mke2fs = (options: readonly string[], folder: string, file: string) => Promise<void>;

async function makeSparse(file: string, size: number): Promise<void> {
  await writeFile(file, "");
  await truncate(file, size);
}

export interface Part {
  readonly name: "boot" | "root-a" | "root-b" | "data";
  /** Bytes; whole mebibytes. */
  readonly size: number;
  /** What goes in; absent: nothing. */
  readonly file?: string;
}

/** GPT partition types (UEFI specification 5.3.3, Microsoft's basic data, and Linux data). */
const types = {
  efi: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
  "basic-data": "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7",
  linux: "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
} as const satisfies Readonly<Record<BootPartition["type"] | "linux", string>>;

/** Flash cards erase in blocks of this size or smaller: partitions begin at such a border. */
const alignment = 4 * mebibyte;

/** Puts partitions together to one disk, without a loop device. Gives its size in bytes. */
export async function assembleDisk(
  parts: readonly Part[],
  image: string,
  identity: Identity,
  boot: BootPartition,
): Promise<number> {
  let at = alignment;
  const placed = parts.map((part) => {
    const start = at;
    at = Math.ceil((start + part.size) / alignment) * alignment;
    return { ...part, start };
  });
  const size = at + alignment; // the second copy of the table
  await makeSparse(image, size);
  const lines = placed.map(({ name, start, size }) => {
    const [first, count] = [start / 512, size / 512];
    const type = types[name === "boot" ? boot.type : "linux"];
    return `start=${first}, size=${count}, type=${type}, uuid=${uuidOf(identity, `part ${name}`)}, name=${name}`;
  });
  const table = ["label: gpt", `label-id: ${uuidOf(identity, "disk")}`, ...lines].join("\n");
  const script = `${image}.sfdisk`;
  await writeFile(script, `${table}\n`);
  await runTool("sh", "-euc", 'sfdisk --quiet --no-reread "$1" < "$2"', "sh", image, script);
  await rm(script);
  const [first] = placed;
  if (boot.inMbr && first !== undefined)
    await nameInMbr(image, { start: first.start / 512, count: first.size / 512 });
  for (const { file, start } of placed)
    if (file !== undefined)
      await runTool(
        "dd",
        `if=${file}`,
        `of=${image}`,
        "bs=4M",
        `seek=${start / alignment}`,
        "conv=notrunc,sparse",
        "status=none",
      );
  return size;
}

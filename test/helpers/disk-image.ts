import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPartitionTable } from "../../image/card/gpt.ts";
import type { Partition } from "../../image/card/gpt.ts";

const tableLength = 64 * 1024;

/** The partitions of a disk image. Throws when it has no partition table. */
export async function readPartitions(image: string): Promise<readonly Partition[]> {
  await using file = await open(image);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(tableLength), 0, tableLength, 0);
  const table = readPartitionTable(buffer.subarray(0, bytesRead));
  if (table === undefined) throw new Error(`${image}: expected a GUID partition table`);
  return table.partitions;
}

/** The partition of that name. Throws when there is none. */
export async function findPartition(image: string, name: string): Promise<Partition> {
  const partitions = await readPartitions(image);
  const found = partitions.find((partition) => partition.name === name);
  if (found !== undefined) return found;
  throw new Error(
    `${image}: expected a partition ${name}, got ${partitions.map(({ name }) => name).join(", ")}`,
  );
}

/** A file of the FAT partition `boot`; undefined when there is none. */
export async function readBootFile(image: string, path: string): Promise<string | undefined> {
  const { offset } = await findPartition(image, "boot");
  return readFatFile(`${image}@@${offset}`, path);
}

/** A file of a FAT file system; undefined when there is none. */
export async function readFatFile(fileSystem: string, path: string): Promise<string | undefined> {
  const { status, out, said } = await runQuietly("mtype", ["-i", fileSystem, `::/${path}`]);
  if (status === 0) return out;
  if (/not found/i.test(said)) return undefined;
  throw new Error(`mtype of ${path} failed: ${said}`);
}

/** Puts a file onto the FAT partition `boot`, as a laptop would; it may be there already. */
export async function writeBootFile(image: string, path: string, content: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "boot-file-"));
  try {
    const file = join(folder, "file");
    await writeFile(file, content);
    const { offset } = await findPartition(image, "boot");
    const argv = ["-i", `${image}@@${offset}`, "-o", file, `::/${path}`];
    const { status, said } = await runQuietly("mcopy", argv);
    if (status !== 0) throw new Error(`mcopy to ${path} failed: ${said}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A file of the ext4 partition `data`; undefined when there is none. */
export async function readDataFile(image: string, path: string): Promise<string | undefined> {
  const { offset } = await findPartition(image, "data");
  return readExt4File(`${image}?offset=${offset}`, path);
}

/** A file of an ext4 file system; undefined when there is none. */
export async function readExt4File(fileSystem: string, path: string): Promise<string | undefined> {
  const { out, said } = await runQuietly("debugfs", ["-R", `cat ${path}`, fileSystem]);
  if (/File not found/.test(said)) return undefined;
  const complaint = complaintOf(said);
  if (complaint === undefined) return out;
  throw new Error(`debugfs could not read ${path}: ${complaint}`);
}

/** Puts everything that lies in an ext4 file system into a new folder, links as links. */
export async function extractExt4(fileSystem: string, folder: string): Promise<void> {
  await mkdir(folder);
  const complaint = complaintOf((await runQuietly("debugfs", ["-R", `rdump / ${folder}`, fileSystem])).said);
  if (complaint !== undefined) throw new Error(`debugfs could not read ${fileSystem}: ${complaint}`);
}

/** debugfs says its version first, and ends with 0 whatever happens. */
const complaintOf = (said: string): string | undefined =>
  said.split("\n").find((line) => line.trim() !== "" && !line.startsWith("debugfs 1."));

/** What a file system's checker came to. */
export interface Check {
  /** Its exit status: e2fsck(8) says 0 for clean, 1 for mended (a journal that was played back is that, too). */
  readonly status: number;
  readonly text: string;
}

/** Checks an ext4 file system in a file of its own; `mend` does what is done at power-on. */
export async function checkExt4(fileSystem: string, how: "look" | "mend"): Promise<Check> {
  const { status, out, said } = await runQuietly("e2fsck", [{ look: "-fn", mend: "-fp" }[how], fileSystem]);
  return { status, text: `${out}${said}` };
}

/** Checks a FAT file system in a file of its own; `mend` does what is done at power-on. */
export async function checkFat(fileSystem: string, how: "look" | "mend"): Promise<Check> {
  const { status, out, said } = await runQuietly("fsck.vfat", [{ look: "-n", mend: "-a" }[how], fileSystem]);
  return { status, text: `${out}${said}` };
}

/** Copies a partition into a file of its own, with holes where there is nothing. */
export async function copyPartition(image: string, name: string, to: string): Promise<void> {
  const { offset, bytes } = await findPartition(image, name);
  const range = ["iflag=skip_bytes,count_bytes", `skip=${offset}`, `count=${bytes}`];
  const argv = [`if=${image}`, `of=${to}`, "bs=1M", "conv=sparse", "status=none", ...range];
  const { status, said } = await runQuietly("dd", argv);
  if (status !== 0) throw new Error(`dd failed: ${said}`);
}

/** Makes a partition of one disk image that of another with the same table. */
export async function clonePartition(from: string, name: string, to: string): Promise<void> {
  const { offset, bytes } = await findPartition(from, name);
  const range = ["iflag=skip_bytes,count_bytes", "oflag=seek_bytes", `skip=${offset}`, `seek=${offset}`];
  const argv = [`if=${from}`, `of=${to}`, "bs=1M", "conv=sparse,notrunc", "status=none", ...range];
  const { status, said } = await runQuietly("dd", [...argv, `count=${bytes}`]);
  if (status !== 0) throw new Error(`dd failed: ${said}`);
}

/** The first bytes of a partition. */
export async function readStart(image: string, name: string, length: number): Promise<Buffer> {
  const { offset } = await findPartition(image, name);
  await using file = await open(image);
  return (await file.read(Buffer.alloc(length), 0, length, offset)).buffer;
}

interface Run {
  readonly status: number;
  readonly out: string;
  readonly said: string;
}

/** Runs a program to its end, whatever its status. Rejects when it cannot be started. */
function runQuietly(program: string, argv: readonly string[]): Promise<Run> {
  const path = `${process.env["PATH"]}:/usr/sbin:/sbin`; // where Debian has what administrators use
  const env = { ...process.env, PATH: path, LC_ALL: "C.UTF-8", MTOOLS_SKIP_CHECK: "1" };
  return new Promise((resolve, reject) => {
    execFile(program, argv, { env, maxBuffer: 1 << 26 }, (error, out, said) => {
      if (error === null) resolve({ status: 0, out, said });
      else if (typeof error.code === "number") resolve({ status: error.code, out, said });
      else reject(new Error(`${program} could not be run: ${error.message}`, { cause: error }));
    });
  });
}

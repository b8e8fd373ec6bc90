import { copyFile, mkdtemp, open, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { readBootFile } from "../../src/config/boot-file.ts";
import { bootFileNames, findBootText, readPlainFile } from "../../src/device/boot-text.ts";
import { Fault, toFault } from "../../src/domain/fault.ts";
import { runTool } from "../deb/tools.ts";
import type { Partition } from "./gpt.ts";
import type { Image, Patch } from "./image-file.ts";

/** The boot file for a card, with the files that it names. All of them have been read and checked. */
export interface BootFiles {
  /** Paths on this computer by their names on the boot partition. */
  readonly paths: ReadonlyMap<string, string>;
}

const largestBeside = 65_536;
const piece = 4096;

/**
 * Checks a boot file as the device will, with the files that it names beside it. Rejects with a `Fault`
 * (`config-invalid`) that names every mistake.
 */
export async function checkBootFile(given: string): Promise<BootFiles> {
  const path = resolve(given);
  const [name] = bootFileNames;
  await using folder = await makeFolder();
  await copyFile(path, join(folder.path, name)).catch((error: unknown) => {
    throw toFault(error, "usage", "The boot file cannot be read");
  });
  const found = await findBootText(folder.path);
  const file = await readBootFile(found?.text ?? "", {
    ...{ file: basename(path), home: "/data/spotlive/current", boot: "/boot/firmware" },
    secret: () => undefined,
    locate: async (beside) => {
      const at = join(dirname(path), beside);
      return (await readPlainFile(at, largestBeside).catch(() => undefined)) && at;
    },
  });
  const beside = [...file.files.keys()].map((name) => [name, join(dirname(path), name)] as const);
  return { paths: new Map([[name, path], ...beside]) };
}

/** What changes in an image when these files are put onto its boot partition. Rejects with a `Fault`. */
export async function placeBootFiles(
  image: Image,
  { paths }: BootFiles,
  signal: AbortSignal,
): Promise<readonly Patch[]> {
  const partition = image.partitions.find(({ name }) => name === "boot");
  if (partition === undefined)
    throw new Fault("usage", `${image.name} has no partition named "boot": --config cannot be used with it.`);
  await using folder = await makeFolder();
  const [before, after] = [join(folder.path, "before"), join(folder.path, "after")];
  await copyPartition(image, partition, before, signal);
  await copyFile(before, after);
  try {
    const has = await runTool("mdir", "-b", "-i", after, "::/").catch(() => "");
    // The device takes one boot file and no more.
    for (const name of bootFileNames)
      if (has.includes(`::/${name}\n`)) await runTool("mdel", "-i", after, `::${name}`);
    for (const [name, path] of paths) await runTool("mcopy", "-o", "-i", after, path, `::${name}`);
    for (const [name, path] of paths) await proveCopy(after, name, path, folder.path);
  } catch (error) {
    const missing = (error as Error & { readonly cause?: NodeJS.ErrnoException }).cause?.code === "ENOENT";
    if (missing) throw new Fault("child-missing", "--config needs the package mtools.", { cause: error });
    throw toFault(error, "child-failed", "The boot file could not be put into the image");
  }
  return await differences(before, after, partition.offset);
}

async function copyPartition(
  image: Image,
  { offset: from, bytes: length }: Partition,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  for await (const { offset, bytes } of image.blocks()) {
    signal.throwIfAborted();
    const [begin, end] = [Math.max(from, offset), Math.min(from + length, offset + bytes.length)];
    if (begin < end) await file.write(bytes, begin - offset, end - begin, begin - from);
  }
}

async function proveCopy(fat: string, name: string, path: string, folder: string): Promise<void> {
  const copy = join(folder, "copy");
  await runTool("mcopy", "-n", "-i", fat, `::${name}`, copy);
  const [got, wanted] = await Promise.all([readPlainFile(copy), readPlainFile(path)]);
  await rm(copy);
  if (got === undefined || wanted === undefined || !got.equals(wanted))
    throw new Error(`${name} is not the same there`);
}

async function differences(before: string, after: string, from: number): Promise<readonly Patch[]> {
  const patches: Patch[] = [];
  await using old = await open(before);
  await using fresh = await open(after);
  const { size } = await fresh.stat();
  for (let at = 0; at < size; at += piece) {
    const bytes = await readPiece(fresh, at);
    if (!bytes.equals(await readPiece(old, at))) patches.push({ offset: from + at, bytes });
  }
  return patches;
}

async function readPiece(file: FileHandle, at: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(piece), 0, piece, at);
  return buffer.subarray(0, bytesRead);
}

/** For copies that hold secrets: for their owner alone, and gone at the end of the block. */
async function makeFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "spotlive-flash-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

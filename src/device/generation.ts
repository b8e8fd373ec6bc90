import { randomUUID } from "node:crypto";
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Disk } from "./disk.ts";

/** A file of a generation. */
export interface GeneratedFile {
  readonly content: Buffer;
  /** Where it is not for the service. */
  readonly mode: number;
  /** Whether the service's group may read it, and nobody else but its owner. */
  readonly isForService: boolean;
}

/** The files of one generation, by their paths in it. */
export type Generation = ReadonlyMap<string, GeneratedFile>;

const folderName = "generations";
const linkName = "current";
const privateFolders = ["secrets", "files"];
/** chown(2): the owner stays. */
const sameOwner = -1;

/** Where the files in force are found: a link that changes in one step. */
export const currentFolder = (data: string): string => join(data, linkName);

/** The files in force; empty where there never were any. */
export async function readCurrent(data: string): Promise<ReadonlyMap<string, Buffer>> {
  const folder = currentFolder(data);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  });
  const files = entries.filter((entry) => entry.isFile());
  const read = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [path.slice(folder.length + 1), await readFile(path)] as const;
  });
  return new Map(await Promise.all(read));
}

/**
 * Puts a generation in force, all of it or nothing, unless it is already. Says whether anything was changed. `group`: the
 * number of the service's; where there is none, everything that is private is its owner's alone.
 */
export async function putInForce(
  data: string,
  wanted: Generation,
  current: ReadonlyMap<string, Buffer>,
  disk: Disk,
  group: number | undefined,
): Promise<boolean> {
  const isSame =
    wanted.size === current.size &&
    (await isSharedWith(group, data)) &&
    [...wanted].every(([path, { content }]) => current.get(path)?.equals(content) === true);
  if (isSame) return false;
  const name = randomUUID();
  const folder = join(data, folderName, name);
  await disk.makeFolder(folder, 0o755);
  const folders = new Set([folder]);
  const giveToService = async (path: string): Promise<void> => {
    if (group !== undefined) await disk.own(path, sameOwner, group);
  };
  for (const [path, { content, mode, isForService }] of wanted) {
    const parent = dirname(join(folder, path));
    if (!folders.has(parent)) {
      const isPrivate = privateFolders.some((own) => path.startsWith(`${own}/`));
      await disk.makeFolder(parent, isPrivate ? (group === undefined ? 0o700 : 0o750) : 0o755);
      if (isPrivate) await giveToService(parent);
      for (let at = parent; at !== folder; at = dirname(at)) folders.add(at);
    }
    const isShared = isForService && group !== undefined;
    await disk.writeFile(join(folder, path), content, isShared ? 0o640 : mode);
    if (isShared) await giveToService(join(folder, path));
  }
  for (const made of [...folders, join(data, folderName)]) await disk.syncFolder(made);
  const link = join(data, `${linkName}.new`);
  await disk.remove(link);
  await disk.link(join(folderName, name), link);
  await disk.rename(link, currentFolder(data));
  await disk.syncFolder(data);
  return true;
}

/** A new image may know the service's group by another number. */
async function isSharedWith(group: number | undefined, data: string): Promise<boolean> {
  if (group === undefined) return true;
  const found = await stat(join(currentFolder(data), "spotlive.yaml")).catch(() => undefined);
  return found?.gid === group;
}

/** Removes the generations that are no longer in force, and what a power cut left of one that never was. */
export async function removeOthers(data: string, disk: Disk): Promise<void> {
  const inForce = await readlink(currentFolder(data)).catch(() => undefined);
  if (inForce === undefined) return;
  const names = await readdir(join(data, folderName)).catch(() => []);
  const others = names.filter((name) => join(folderName, name) !== inForce);
  for (const name of others) await disk.remove(join(data, folderName, name));
  if (others.length > 0) await disk.syncFolder(join(data, folderName));
}

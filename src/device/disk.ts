import { lchown, mkdir, open, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { rewritten } from "./boot-text.ts";

/** Every way in which an adoption changes a disk, each durable when it resolves. Tests cut the power between them. */
export interface Disk {
  /** Makes a folder with those above it. */
  makeFolder(path: string, mode: number): Promise<void>;
  /** Writes a file that is not there yet. */
  writeFile(path: string, content: string | Uint8Array, mode: number): Promise<void>;
  link(target: string, path: string): Promise<void>;
  /** Gives a file or a folder to a user and a group, by their numbers. */
  own(path: string, user: number, group: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a folder with all that is in it, if it is there. */
  remove(path: string): Promise<void>;
  /** Makes names that were added to or taken from a folder durable. */
  syncFolder(path: string): Promise<void>;
}

export const realDisk: Disk = {
  async makeFolder(path, mode) {
    await mkdir(path, { recursive: true, mode });
  },
  async writeFile(path, content, mode) {
    await using file = await open(path, "wx", mode);
    await file.writeFile(content);
    await file.sync();
  },
  link: symlink,
  own: lchown,
  rename,
  async remove(path) {
    await rm(path, { recursive: true, force: true });
  },
  async syncFolder(path) {
    await using folder = await open(path, "r");
    await folder.sync();
  },
};

/** Replaces a file: what is found later, after a power cut too, is the old one or the new one whole. */
export async function replaceFile(
  disk: Disk,
  folder: string,
  name: string,
  content: string | Uint8Array,
  mode: number,
): Promise<void> {
  const temporary = join(folder, rewritten(name));
  await disk.remove(temporary);
  await disk.writeFile(temporary, content, mode);
  await disk.rename(temporary, join(folder, name));
  await disk.syncFolder(folder);
}

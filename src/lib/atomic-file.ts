import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

export interface WriteOptions {
  /** Permission bits of the file; default 0600. */
  readonly mode?: number;
}

/**
 * Writes a file so that a reader, and a power cut at any moment, finds either the old content or the new one whole:
 * a new file beside it is written and synced, renamed over it, and the directory synced. Makes missing directories.
 * Rejects with the file system's error and leaves the old file as it was.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true });
  const temporary = `${path}.${randomUUID()}.new`;
  try {
    {
      await using file = await open(temporary, "wx", options.mode ?? 0o600);
      await file.writeFile(content);
      await file.sync();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await using parent = await open(directory, "r");
  await parent.sync();
}

/** Reads a text file; gives undefined where there is none. Rejects with the file system's error otherwise. */
export async function readFileIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Removes a file, if it is there. Rejects with the file system's error otherwise. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** One file of the package. */
export interface TreeFile {
  /** From the root on, without a leading slash. */
  readonly path: string;
  /** What is in it, or the file to copy. */
  readonly content: string | Uint8Array | { readonly from: string };
  readonly executable?: boolean;
}

/** Writes the files under a folder, with modes that owe nothing to the umask. */
export async function writeTree(root: string, files: readonly TreeFile[]): Promise<void> {
  const folders = new Set<string>([root]);
  for (const { path, content, executable = false } of files) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true });
    for (let folder = dirname(target); folder.length > root.length; folder = dirname(folder))
      folders.add(folder);
    if (typeof content === "string" || content instanceof Uint8Array) await writeFile(target, content);
    else await copyFile(content.from, target);
    await chmod(target, executable ? 0o755 : 0o644);
  }
  for (const folder of folders) await chmod(folder, 0o755);
}

export interface Inventory {
  /** As `md5sum` writes it: what `dpkg --verify` compares with. */
  readonly md5sums: string;
  /** As Debian counts it: each file in whole kibibytes. */
  readonly kibibytes: number;
}

/** What was written, for the package's own records. */
export async function takeInventory(root: string, files: readonly TreeFile[]): Promise<Inventory> {
  const lines: string[] = [];
  let kibibytes = 0;
  for (const { path } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const file = join(root, path);
    lines.push(
      `${createHash("md5")
        .update(await readFile(file))
        .digest("hex")}  ${path}\n`,
    );
    kibibytes += Math.ceil((await stat(file)).size / 1024);
  }
  return { md5sums: lines.join(""), kibibytes };
}

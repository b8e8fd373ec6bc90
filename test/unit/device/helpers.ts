import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adoptBootFile } from "../../../src/device/adopt.ts";
import type { Adoption } from "../../../src/device/adopt.ts";
import { realDisk } from "../../../src/device/disk.ts";
import type { Disk } from "../../../src/device/disk.ts";
import type { NetworkBackend } from "../../../src/device/system-files.ts";

/** Without waiting for a real disk: what the tests cut is the order of things. */
export const fastDisk: Disk = {
  ...realDisk,
  writeFile: (path, content, mode) => writeFile(path, content, { mode, flag: "wx" }),
  syncFolder: async () => {},
};

/** A device with its two partitions in a folder of its own. */
export interface Device extends AsyncDisposable {
  readonly boot: string;
  readonly data: string;
  put(name: string, content: string | Uint8Array): Promise<void>;
  adopt(disk?: Disk, backend?: NetworkBackend): Promise<Adoption>;
  /** Every file by its path; of links only that they are there. */
  files(folder: "boot" | "data"): Promise<Record<string, string>>;
  /** A file that is in force. */
  inForce(path: string): Promise<string>;
}

export async function makeDevice(): Promise<Device> {
  const folder = await mkdtemp(join(tmpdir(), "device-"));
  const [boot, data] = [join(folder, "boot"), join(folder, "data")];
  await mkdir(boot);
  await mkdir(data);
  return {
    boot,
    data,
    put: (name, content) => writeFile(join(boot, name), content),
    adopt: (disk = fastDisk, backend = "networkd") => adoptBootFile({ boot, data, backend, disk }),
    files: (which) => filesIn(join(folder, which)),
    inForce: (path) => readFile(join(data, "current", path), "utf8"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

async function filesIn(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const read = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) return [[path.slice(folder.length + 1), "(link)"]];
    return entry.isFile() ? [[path.slice(folder.length + 1), await readFile(path, "utf8")]] : [];
  });
  return Object.fromEntries((await Promise.all(read)).flat()) as Record<string, string>;
}

export class PowerCut extends Error {}

/** Works for so many writes; the next one is cut in the middle, and nothing works after that. */
export function cutAfter(writes: number): Disk {
  let left = writes;
  const counted =
    <A extends unknown[]>(write: (...args: A) => Promise<void>, half?: (...args: A) => Promise<void>) =>
    async (...args: A): Promise<void> => {
      left -= 1;
      if (left >= 0) return write(...args);
      if (left === -1) await half?.(...args);
      throw new PowerCut();
    };
  return {
    makeFolder: counted(fastDisk.makeFolder),
    writeFile: counted(fastDisk.writeFile, (path, content, mode) =>
      fastDisk.writeFile(path, content.slice(0, content.length / 2), mode),
    ),
    link: counted(fastDisk.link),
    own: counted(fastDisk.own),
    rename: counted(fastDisk.rename),
    remove: counted(fastDisk.remove),
    syncFolder: counted(fastDisk.syncFolder),
  };
}

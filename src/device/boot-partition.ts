import { readFile, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Disk } from "./disk.ts";
import { runSystemProgram } from "./system-program.ts";

/** How file systems are mounted. */
export interface Mounts {
  /** Whether a folder is where a file system is mounted, read-only. */
  isReadOnly(folder: string): Promise<boolean>;
  /** Whether what is written to a folder, or to where it is to be made, is lost with the power. */
  isInMemory(folder: string): Promise<boolean>;
  /** Rejects with a `Fault` where the kernel refuses. */
  remount(folder: string, way: "ro" | "rw"): Promise<void>;
}

/** A disk that makes the boot partition writable before the first write to it, and read-only again at disposal. */
export interface BootPartition extends AsyncDisposable {
  readonly disk: Disk;
}

/**
 * A boot partition is mounted read-only but for moments: whoever cuts the power then finds it whole. One that is mounted
 * otherwise, or is a plain folder, is left as it is. Disposal never rejects; `tell` hears what went wrong there.
 */
export function openBootPartition(
  folder: string,
  disk: Disk,
  mounts: Mounts,
  tell: (text: string) => void,
): BootPartition {
  let opening: Promise<boolean> | undefined;
  const open = async (): Promise<boolean> => {
    const isClosed = await mounts.isReadOnly(folder);
    if (isClosed) await mounts.remount(folder, "rw");
    return isClosed;
  };
  const before = async (path: string): Promise<void> => {
    if (path === folder || path.startsWith(`${folder}/`)) await (opening ??= open());
  };
  return {
    disk: {
      async makeFolder(path, mode) {
        await before(path);
        await disk.makeFolder(path, mode);
      },
      async writeFile(path, content, mode) {
        await before(path);
        await disk.writeFile(path, content, mode);
      },
      async link(target, path) {
        await before(path);
        await disk.link(target, path);
      },
      async own(path, user, group) {
        await before(path);
        await disk.own(path, user, group);
      },
      async rename(from, to) {
        await before(to);
        await disk.rename(from, to);
      },
      async remove(path) {
        await before(path);
        await disk.remove(path);
      },
      async syncFolder(path) {
        await before(path);
        await disk.syncFolder(path);
      },
    },
    async [Symbol.asyncDispose]() {
      try {
        if ((await opening?.catch(() => false)) === true) await mounts.remount(folder, "ro");
      } catch (error) {
        tell(`The boot partition could not be made read-only again: ${String(error)}`);
      }
    },
  };
}

/** Of statfs(2): tmpfs, ramfs, and the overlay over a root that is read-only. */
const inMemory: readonly number[] = [0x01021994, 0x858458f6, 0x794c7630];

/** Of this machine: what the kernel tells (proc_pid_mountinfo(5)), and mount(8). */
export const realMounts: Mounts = {
  async isReadOnly(folder) {
    return isMountedReadOnly(await readFile("/proc/self/mountinfo", "utf8"), folder);
  },
  async isInMemory(folder) {
    for (let at = folder; ; at = dirname(at)) {
      const found = await statfs(at).catch(() => undefined);
      if (found !== undefined) return inMemory.includes(found.type);
      if (at === dirname(at)) return false;
    }
  },
  async remount(folder, way) {
    // sync: each step of a rename on FAT in its order, so that a power cut between two of them leaves one whole file.
    const flags = way === "rw" ? "remount,rw,sync" : "remount,ro";
    // fstab is not to be asked: its `ro` would win.
    const argv = ["--options-source=disable", "-o", flags, folder];
    await runSystemProgram("mount", argv, `mounting ${folder} ${way}`);
  },
};

/** Whether the file system that is mounted last at a folder is read-only there. */
export function isMountedReadOnly(mountinfo: string, folder: string): boolean {
  const found = mountinfo
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, , , , place]) => place !== undefined && decode(place) === folder)
    .at(-1);
  const [, , , , , options = ""] = found ?? [];
  return options.split(",").includes("ro");
}

/** Spaces and the like are written as octal numbers there. */
const decode = (place: string): string =>
  place.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

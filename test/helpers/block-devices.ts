import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { endProcessTree } from "./processes.ts";
import type { CardFault } from "./fake-medium.ts";

const run = promisify(execFile);

/** A path of something that is there until its disposal. */
export interface AtPath extends AsyncDisposable {
  readonly path: string;
}

/** What only a card of the kernel's can do, besides the others. */
export type RealFault =
  | CardFault
  | { readonly kind: "none" }
  /** All that is behind it vanishes at a write over `offset`. */
  | { readonly kind: "dies"; readonly offset: number }
  | { readonly kind: "slow"; readonly bytesPerSecond: number };

const program = fileURLToPath(new URL("faulty-card.py", import.meta.url));

/** A file that behaves as a card with a fault would: another process answers for it, through FUSE. */
export async function openFaultyCard(bytes: number, fault: RealFault): Promise<AtPath> {
  const folder = await mkdtemp(join(tmpdir(), "spotlive-card-"));
  // The system's Python: the package of Debian is for that one.
  const child = spawn("/usr/bin/python3", [program, folder, String(bytes), JSON.stringify(fault)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: Buffer[] = [];
  child.stderr.on("data", (bytes: Buffer) => said.push(bytes));
  const ended = once(child, "exit");
  const close = async (): Promise<void> => {
    await endProcessTree(child);
    await run("umount", ["--lazy", folder]).catch(() => {}); // it never was mounted
    await rmdir(folder);
  };
  const isReady = await Promise.race([once(child.stdout, "data").then(() => true), ended.then(() => false)]);
  if (!isReady) {
    await close();
    throw new Error(`The faulty card could not be made: ${Buffer.concat(said).toString()}`);
  }
  return { path: join(folder, "card"), [Symbol.asyncDispose]: close };
}

/** A block device whose content is a file. */
export async function openLoop(file: string): Promise<AtPath> {
  const { stdout } = await run("losetup", ["--find", "--show", "--nooverlap", file]);
  const path = stdout.trim();
  return {
    path,
    async [Symbol.asyncDispose]() {
      await run("losetup", ["--detach", path]);
    },
  };
}

/** A block device with a fault. */
export async function openFaultyDisk(bytes: number, fault: RealFault): Promise<AtPath> {
  await using stack = new AsyncDisposableStack();
  const card = stack.use(await openFaultyCard(bytes, fault));
  const { path } = stack.use(await openLoop(card.path));
  const kept = stack.move();
  return { path, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** A block device in memory. */
export async function openZram(bytes: number): Promise<AtPath> {
  const { stdout } = await run("cat", ["/sys/class/zram-control/hot_add"]); // a read makes one
  const name = `zram${stdout.trim()}`;
  await writeFile(`/sys/block/${name}/disksize`, String(bytes));
  return {
    path: `/dev/${name}`,
    async [Symbol.asyncDispose]() {
      await writeFile(`/sys/block/${name}/reset`, "1");
      await writeFile("/sys/class/zram-control/hot_remove", name.slice("zram".length));
    },
  };
}

/** Mounts a device on a new folder. */
export async function mountDevice(device: string): Promise<AtPath> {
  const path = await mkdtemp(join(tmpdir(), "spotlive-mount-"));
  await run("mount", [device, path]);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await run("umount", [path]);
      await rmdir(path);
    },
  };
}

/** A partition of a device, in the kernel's eyes: no table on the device tells of it. In sectors of 512 bytes. */
export async function addPartition(device: string, start: number, length: number): Promise<AtPath> {
  await run("addpart", [device, "1", String(start), String(length)]);
  return {
    path: `${device}p1`,
    async [Symbol.asyncDispose]() {
      await run("delpart", [device, "1"]);
    },
  };
}

/** Why tests with block devices cannot run here; undefined when they can. */
export async function whyNoBlockDevices(): Promise<string | undefined> {
  if (process.geteuid?.() !== 0) return "Block devices can only be made by root.";
  try {
    await using _ = await openFaultyDisk(1 << 20, { kind: "none" });
    return undefined;
  } catch (error) {
    return `This system makes no loop device over a FUSE file: ${String(error)}`;
  }
}

/** Why tests with zram cannot run here; undefined when they can. */
export async function whyNoZram(): Promise<string | undefined> {
  try {
    await using _ = await openZram(1 << 20);
    return undefined;
  } catch (error) {
    return `This system makes no zram device: ${String(error)}`;
  }
}

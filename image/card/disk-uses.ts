import { readFile, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Root } from "../../src/boards/root.ts";
import { parseMountinfo, parseSwaps, systemMounts } from "./mountinfo.ts";

/** What is done with the disks of a machine at this moment. */
export interface DiskUses {
  /** Half sentences about a disk: "sdb1 is mounted at /media/card". Empty: nobody uses it. */
  of(disk: string): readonly string[];
  /** Whether the running system lies on it, or a part of the system does. */
  isSystem(disk: string): boolean;
}

/** A block device, and those that it is made of. */
interface Layer {
  readonly device: string;
  readonly isPartition: boolean;
  readonly below: readonly string[];
}

interface Use {
  readonly text: string;
  readonly disks: ReadonlySet<string>;
  readonly isSystem: boolean;
}

/** Reads what is mounted, swapped to, or part of something else. A disk that other namespaces use is found at its opening. */
export async function readDiskUses(root: Root): Promise<DiskUses> {
  const layers = await readLayers(root);
  const mounts = parseMountinfo(await readWhole(root, "/proc/self/mountinfo"));
  const system = systemMounts(mounts);
  const uses: Use[] = [];
  for (const mount of mounts) {
    const byNumber = [...layers].find(([, { device }]) => device === mount.device)?.[0];
    const name = byNumber ?? (await nameOf(root, mount.source));
    if (!layers.has(name)) continue;
    const text = `${name} is mounted at ${mount.folder}`;
    uses.push({ text, disks: allBelow(layers, name), isSystem: system.has(mount) });
  }
  for (const path of parseSwaps(await readWhole(root, "/proc/swaps"))) {
    const name = await nameOf(root, path);
    uses.push({ text: `${name} is swap space`, disks: allBelow(layers, name), isSystem: false });
  }
  for (const [name, { below, isPartition }] of layers) {
    if (isPartition || below.length === 0) continue;
    const text = `${name} lies on ${below.join(" and ")}`;
    uses.push({ text, disks: allBelow(layers, name), isSystem: false });
  }
  return {
    of: (disk) => uses.filter(({ disks }) => disks.has(disk)).map(({ text }) => text),
    isSystem: (disk) => uses.some(({ disks, isSystem }) => isSystem && disks.has(disk)),
  };
}

/** Every block device: a partition is made of its disk; a volume of LVM, RAID or encryption of its `slaves`. */
async function readLayers(root: Root): Promise<ReadonlyMap<string, Layer>> {
  const layers = new Map<string, Layer>();
  for (const disk of await root.names("/sys/block")) {
    const folder = `/sys/block/${disk}`;
    const device = async (path: string): Promise<string> => (await root.text(`${path}/dev`))?.trim() ?? "";
    const below = await root.names(`${folder}/slaves`);
    layers.set(disk, { device: await device(folder), isPartition: false, below });
    for (const part of (await root.names(folder)).filter((name) => name.startsWith(disk)))
      layers.set(part, { device: await device(`${folder}/${part}`), isPartition: true, below: [disk] });
  }
  return layers;
}

function allBelow(
  layers: ReadonlyMap<string, Layer>,
  name: string,
  seen = new Set<string>(),
): ReadonlySet<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const below of layers.get(name)?.below ?? []) allBelow(layers, below, seen);
  return seen;
}

/** The kernel's name of what a path in /dev leads to. */
async function nameOf(root: Root, path: string): Promise<string> {
  return basename(await realpath(join(root.directory, path)).catch(() => path));
}

/** Whole, however many mounts there are. */
async function readWhole(root: Root, path: string): Promise<string> {
  return await readFile(join(root.directory, path), "utf8").catch(() => "");
}

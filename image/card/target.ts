import { open, stat } from "node:fs/promises";
import { constants } from "node:fs";
import type { Root } from "../../src/boards/root.ts";
import { Fault, toFault } from "../../src/domain/fault.ts";
import { readDiskUses } from "./disk-uses.ts";
import { describeDisk, findDevice, listDisks } from "./disks.ts";
import type { Disk } from "./disks.ts";
import { deviceNumber } from "./open-medium.ts";
import { refuse } from "./refusal.ts";
import type { Wish } from "./refusal.ts";
import { gigabytes } from "./words.ts";

/** Finds the disk that a path means. Rejects with a `Fault` (`usage`) for everything that an image is not written to. */
export async function chooseDisk(root: Root, path: string, wish: Wish): Promise<Disk> {
  const found = await stat(path).catch((error: unknown) => {
    throw toFault(error, "usage", "There is no such disk");
  });
  if (!found.isBlockDevice())
    throw new Fault("usage", `${path} is no disk. A raw file is written with --file.`);
  const device = await findDevice(root, deviceNumber(found.rdev));
  if (device?.partition !== undefined)
    throw new Fault(
      "usage",
      `${path} is a partition. The image has partitions of its own and wants the whole disk: /dev/${device.disk}.`,
    );
  const disk = device && (await describeDisk(root, device.disk));
  if (disk === undefined) throw new Fault("usage", `${path} is no disk that this computer knows.`);
  const refusal = refuse(disk, await readDiskUses(root), wish);
  if (refusal !== undefined) throw new Fault("usage", refusal);
  return disk;
}

/** A line for each disk: those that can be written to first, then the others with the reason. */
export async function describeChoices(root: Root, wish: Wish): Promise<readonly string[]> {
  const uses = await readDiskUses(root);
  const disks = await Promise.all(
    (await listDisks(root)).map(async (disk) => ({
      disk,
      refusal:
        refuse(disk, uses, wish) ?? ((await isHeld(disk.path)) ? `${disk.path} is in use.` : undefined),
    })),
  );
  const free = disks.filter(({ refusal }) => refusal === undefined).map(({ disk }) => `  ${nameDisk(disk)}`);
  const others = disks.flatMap(({ refusal }) => (refusal === undefined ? [] : [`  ${refusal}`]));
  return [
    ...(free.length > 0 ? ["Disks that look like cards:", ...free] : ["No disk here looks like a card."]),
    ...(others.length > 0 ? ["Others:", ...others] : []),
  ];
}

/** "/dev/sdb  31.9 GB  SanDisk Ultra  (USB, Generic Mass Storage Device)" */
export function nameDisk({ path, bytes, model, reader }: Disk): string {
  return `${path}  ${gigabytes(bytes)}  ${model}  (${reader})`;
}

/** Whether anybody, in other namespaces too, holds a disk for himself; false where only root could tell. */
async function isHeld(path: string): Promise<boolean> {
  try {
    await using _ = await open(path, constants.O_RDONLY | constants.O_EXCL);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EBUSY";
  }
}

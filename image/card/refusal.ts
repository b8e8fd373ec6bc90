import type { DiskUses } from "./disk-uses.ts";
import type { Disk } from "./disks.ts";
import { gigabytes } from "./words.ts";

/** Cards are smaller; what is larger is somebody's disk. In bytes. */
const largestCard = 512e9;

export interface Wish {
  /** Of the image; 0 where it is not known yet. */
  readonly bytes: number;
  /** The name of a disk that is meant although it does not look like a card. */
  readonly thisDisk?: string | undefined;
}

/** Why an image is not written to this disk, and what to do; undefined when nothing speaks against it. */
export function refuse(disk: Disk, uses: DiskUses, { bytes, thisDisk }: Wish): string | undefined {
  const { path } = disk;
  if (uses.isSystem(disk.name))
    return `${path} holds the system that this computer runs on (${uses.of(disk.name).join("; ")}).`;
  const used = uses.of(disk.name);
  if (used.length > 0) return `${path} is in use: ${used.join("; ")}. Unmount or release it, then try again.`;
  if (disk.bytes === 0) return `There is no card in ${path}.`;
  if (disk.isReadOnly) return `${path} is read-only. Is the slider of the card, or of its adapter, at LOCK?`;
  if (disk.bytes < bytes)
    return `${path} is too small: it has ${disk.bytes} bytes (${gigabytes(disk.bytes)}), the image ${bytes} (${gigabytes(bytes)}).`;
  if (thisDisk === disk.name) return undefined;
  const why = !disk.isCardLike
    ? "is neither removable nor on USB nor an SD card"
    : disk.bytes > largestCard
      ? `has ${gigabytes(disk.bytes)}, more than any card`
      : undefined;
  return why && `${path} (${disk.model}) ${why}. If it is the right one, add --yes-this-disk ${disk.name}.`;
}

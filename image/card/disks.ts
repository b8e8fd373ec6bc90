import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Root } from "../../src/boards/root.ts";

/** A whole disk, as the kernel describes it. */
export interface Disk {
  /** The kernel's: sdb, mmcblk0. */
  readonly name: string;
  readonly path: string;
  /** `major:minor`. */
  readonly device: string;
  /** 0 for a reader without a card. */
  readonly bytes: number;
  readonly blockBytes: number;
  readonly model: string;
  /** What it is plugged into: "USB, Generic Mass Storage Device", "the SD slot". */
  readonly reader: string;
  readonly isCardLike: boolean;
  readonly isReadOnly: boolean;
}

const sector = 512; // the unit of `size`, whatever the disk's own is

/** The disks of a machine, without those that are made of others (loop, device mapper, RAID) or of memory. */
export async function listDisks(root: Root): Promise<readonly Disk[]> {
  const names = (await root.names("/sys/block")).filter(
    (name) => !/^(loop|ram|zram|dm-|md|sr|nbd|mtdblock)\d|boot\d$|rpmb$/.test(name),
  );
  const disks = await Promise.all(names.map((name) => describeDisk(root, name)));
  return disks.filter((disk) => disk !== undefined);
}

/** Describes the disk of this kernel name; undefined where there is none. */
export async function describeDisk(root: Root, name: string): Promise<Disk | undefined> {
  const folder = `/sys/block/${name}`;
  const text = async (file: string): Promise<string> => (await root.text(`${folder}/${file}`))?.trim() ?? "";
  const device = await text("dev");
  if (!/^\d+:\d+$/.test(device)) return undefined;
  const [size, block, removable, readOnly] = await Promise.all(
    ["size", "queue/logical_block_size", "removable", "ro"].map(text),
  );
  const [vendor = "", model = "", card = ""] = await Promise.all(
    ["vendor", "model", "name"].map((file) => text(`device/${file}`)),
  );
  const isMmc = name.startsWith("mmcblk");
  const usb = await usbName(root, folder);
  const words = isMmc ? [card] : [vendor, model];
  return {
    ...{ name, path: `/dev/${name}`, device },
    bytes: Number(size) * sector || 0,
    blockBytes: Number(block) || sector,
    model: words.filter((word) => word !== "" && !word.startsWith("0x")).join(" ") || "no name",
    reader: usb ?? (isMmc ? "the SD slot" : "built in"),
    isCardLike: isMmc || usb !== undefined || removable === "1",
    isReadOnly: readOnly === "1",
  };
}

/** What the USB device above a disk calls itself; undefined where it is on no USB. */
async function usbName(root: Root, folder: string): Promise<string | undefined> {
  const top = await realpath(root.directory).catch(() => "/");
  const real = await realpath(join(root.directory, folder)).catch(() => "");
  if (!/\/usb\d+\//.test(real)) return undefined;
  for (let at = real; at.startsWith(top) && !/\/usb\d+$/.test(at); at = dirname(at)) {
    const path = at.slice(top === "/" ? 0 : top.length);
    if ((await root.text(`${path}/idVendor`)) === undefined) continue;
    const [maker = "", product = ""] = await Promise.all(
      ["manufacturer", "product"].map((file) => root.text(`${path}/${file}`)),
    );
    return ["USB,", maker.trim(), product.trim()].filter((word) => word !== "").join(" ");
  }
  return "USB";
}

/** The whole disk and, for a partition, its kernel name; undefined for a number that no block device has. */
export async function findDevice(
  root: Root,
  device: string,
): Promise<{ readonly disk: string; readonly partition?: string } | undefined> {
  const real = await realpath(join(root.directory, "/sys/dev/block", device)).catch(() => undefined);
  if (real === undefined) return undefined;
  const isPartition = (await root.text(`/sys/dev/block/${device}/partition`)) !== undefined;
  return isPartition
    ? { disk: basename(dirname(real)), partition: basename(real) }
    : { disk: basename(real) };
}

import { mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openRoot } from "../../../../src/boards/root.ts";
import { readDiskUses } from "../../../../image/card/disk-uses.ts";
import { describeDisk, findDevice, listDisks } from "../../../../image/card/disks.ts";
import { deviceNumber } from "../../../../image/card/open-medium.ts";
import { refuse } from "../../../../image/card/refusal.ts";
import type { Wish } from "../../../../image/card/refusal.ts";
import { makeFakeRoot } from "../../../helpers/fake-root.ts";

const usb = "/sys/devices/pci0000:00/0000:00:14.0/usb2/2-1";
const folders: Readonly<Record<string, string>> = {
  sda: `/sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda`,
  sdb: `${usb}/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb`,
  mmcblk0: "/sys/devices/platform/soc/mmc0/mmc0:aaaa/block/mmcblk0",
  "dm-0": "/sys/devices/virtual/block/dm-0",
};

const disk = (name: string, device: string, size: number): Readonly<Record<string, string>> => ({
  [`${folders[name]}/dev`]: `${device}\n`,
  [`${folders[name]}/size`]: `${size / 512}\n`,
  [`${folders[name]}/removable`]: "0\n",
  [`${folders[name]}/ro`]: "0\n",
});

const files = {
  ...disk("sda", "8:0", 256e9),
  [`${folders["sda"]}/sda1/partition`]: "1\n",
  [`${folders["sda"]}/sda1/dev`]: "8:1\n",
  [`${folders["sda"]}/sda2/partition`]: "2\n",
  [`${folders["sda"]}/sda2/dev`]: "8:2\n",
  ...disk("sdb", "8:16", 31_914_983_424),
  [`${folders["sdb"]}/removable`]: "1\n",
  [`${folders["sdb"]}/sdb1/partition`]: "1\n",
  [`${folders["sdb"]}/sdb1/dev`]: "8:17\n",
  [`${folders["sdb"]}/device/vendor`]: "Generic \n",
  [`${folders["sdb"]}/device/model`]: "STORAGE DEVICE  \n",
  [`${usb}/idVendor`]: "05e3\n",
  [`${usb}/manufacturer`]: "GenesysLogic\n",
  [`${usb}/product`]: "USB3.2 Card Reader\n",
  ...disk("mmcblk0", "179:0", 63e9),
  [`${folders["mmcblk0"]}/device/name`]: "SN64G\n",
  ...disk("dm-0", "253:0", 200e9),
  "/proc/self/mountinfo": "25 1 253:0 / / rw,relatime shared:1 - ext4 /dev/mapper/vg-root rw\n",
  "/proc/swaps": "Filename\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
};

/** A laptop: its system on LVM on sda2, a card reader on USB, an SD slot. */
async function laptop(more: Readonly<Record<string, string>> = {}) {
  const fake = await makeFakeRoot({ ...files, ...more });
  const link = async (target: string, path: string): Promise<void> => {
    await mkdir(dirname(join(fake.directory, path)), { recursive: true });
    await symlink(join(fake.directory, target), join(fake.directory, path));
  };
  for (const [name, folder] of Object.entries(folders)) {
    await link(folder, `/sys/block/${name}`);
    // A volume group that lies on both where the test says so.
    await link(folder, `/sys/dev/block/${files[`${folder}/dev` as keyof typeof files].trim()}`);
  }
  await link(`${folders["sdb"]}/sdb1`, "/sys/dev/block/8:17");
  await mkdir(join(fake.directory, folders["dm-0"] ?? "", "slaves/sda2"), { recursive: true });
  const root = openRoot(fake.directory);
  return Object.assign(fake, { root });
}

async function refusal(name: string, more: Readonly<Record<string, string>> = {}, wish?: Partial<Wish>) {
  await using fake = await laptop(more);
  const found = await describeDisk(fake.root, name);
  if (found === undefined) throw new Error("no such disk");
  return refuse(found, await readDiskUses(fake.root), { bytes: 4e9, ...wish });
}

describe("the disks of a computer", () => {
  it("are described with size, model and reader", async () => {
    await using fake = await laptop();
    expect(await listDisks(fake.root)).toEqual([
      expect.objectContaining({ name: "mmcblk0", model: "SN64G", reader: "the SD slot", isCardLike: true }),
      expect.objectContaining({ name: "sda", model: "no name", reader: "built in", isCardLike: false }),
      {
        ...{ name: "sdb", path: "/dev/sdb", device: "8:16", bytes: 31_914_983_424, blockBytes: 512 },
        ...{ model: "Generic STORAGE DEVICE", reader: "USB, GenesysLogic USB3.2 Card Reader" },
        ...{ isCardLike: true, isReadOnly: false },
      },
    ]);
  });

  it("are told from their partitions", async () => {
    await using fake = await laptop();
    expect(await findDevice(fake.root, "8:17")).toEqual({ disk: "sdb", partition: "sdb1" });
    expect(await findDevice(fake.root, "8:16")).toEqual({ disk: "sdb" });
    expect(await findDevice(fake.root, "9:9")).toBeUndefined();
  });

  it.each([
    [0x0800, "8:0"],
    [0xfe00, "254:0"],
    [0x12310345, "259:74565"],
  ])("have the numbers that stat gives: %i", (device, words) => {
    expect(deviceNumber(device)).toBe(words);
  });
});

describe("an image", () => {
  it.each(["sdb", "mmcblk0"])("may go onto a card that nobody uses: %s", async (name) => {
    expect(await refusal(name)).toBeUndefined();
  });

  it("never goes onto the disk of the system, through LVM, and whatever is asked for", async () => {
    const words =
      "/dev/sda holds the system that this computer runs on (dm-0 is mounted at /; dm-0 lies on sda2).";
    expect(await refusal("sda", {}, { thisDisk: "sda" })).toBe(words);
  });

  it("never goes onto the disk below an overlay that the system is", async () => {
    const mountinfo = [
      "20 1 0:30 / / rw - overlay overlay rw,lowerdir=/run/lower,upperdir=/run/upper/u,workdir=/run/upper/w",
      "21 20 8:17 / /run/lower ro - ext4 /dev/sdb1 ro",
      "22 20 0:31 / /run/upper rw - tmpfs tmpfs rw",
    ].join("\n");
    const words = "/dev/sdb holds the system that this computer runs on (sdb1 is mounted at /run/lower).";
    expect(await refusal("sdb", { "/proc/self/mountinfo": mountinfo }, { thisDisk: "sdb" })).toBe(words);
  });

  it.each([
    [
      "sdb1 is mounted at /media/my card",
      "/proc/self/mountinfo",
      "30 1 8:17 / /media/my\\040card rw - vfat /dev/sdb1 rw",
    ],
    [
      "sdb1 is mounted at /data",
      "/proc/self/mountinfo",
      "30 1 0:50 / /data rw shared:1 - btrfs /dev/sdb1 rw",
    ],
    ["sdb is mounted at /mnt", "/proc/self/mountinfo", "30 1 8:16 / /mnt rw - ext4 /dev/sdb rw"],
    ["sdb1 is swap space", "/proc/swaps", "Filename Type\n/dev/sdb1   partition 100 0 -2"],
    ["dm-0 lies on sda2 and sdb1", `${folders["dm-0"]}/slaves/sdb1/dev`, "8:17"],
  ])("never goes onto a disk that is in use: %s", async (use, path, content) => {
    const mounts = { "/proc/self/mountinfo": "", [path]: content };
    const words = `/dev/sdb is in use: ${use}. Unmount or release it, then try again.`;
    expect(await refusal("sdb", mounts, { thisDisk: "sdb" })).toBe(words);
  });

  it.each([
    ["There is no card in /dev/sdb.", "size", "0"],
    ["/dev/sdb is read-only. Is the slider of the card, or of its adapter, at LOCK?", "ro", "1"],
    ["/dev/sdb is too small: it has 2097152 bytes (2.1 MB), the image 4000000000 (4.0 GB).", "size", "4096"],
  ])("does not go where it cannot: %s", async (words, file, content) => {
    expect(await refusal("sdb", { [`${folders["sdb"]}/${file}`]: content }, { thisDisk: "sdb" })).toBe(words);
  });

  it("goes onto what looks like no card only when that disk is named", async () => {
    const free = { "/proc/self/mountinfo": "" };
    await using fake = await laptop(free);
    await fake.remove("/sys/block/dm-0");
    const [sda, uses] = [await describeDisk(fake.root, "sda"), await readDiskUses(fake.root)];
    const ask = (thisDisk?: string) => sda && refuse(sda, uses, { bytes: 4e9, thisDisk });
    expect(ask()).toBe(
      "/dev/sda (no name) is neither removable nor on USB nor an SD card. If it is the right one, add --yes-this-disk sda.",
    );
    expect(ask("sdb")).toContain("--yes-this-disk sda");
    expect(ask("sda")).toBeUndefined();
  });

  it("goes onto a very large disk only when that disk is named", async () => {
    const large = { [`${folders["sdb"]}/size`]: `${2e12 / 512}` };
    expect(await refusal("sdb", large)).toContain("has 2000 GB, more than any card. If it is the right one");
    expect(await refusal("sdb", large, { thisDisk: "sdb" })).toBeUndefined();
  });
});

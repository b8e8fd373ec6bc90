import { execFile } from "node:child_process";
import { lstat, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findBoard } from "../../image/disk/boards.ts";
import { layOutBoot } from "../../image/disk/boot-partition.ts";
import { findKernel, packInitrd } from "../../image/disk/initrd.ts";
import { openL4t, openRaspberryPiOs } from "../../image/disk/vendor.ts";
import {
  dressAsL4t,
  dressAsRaspberryPiOs,
  l4tReleases,
  makeTinyRoot,
  packL4t,
  packRaspberryPiOs,
  raspberryPiKernel,
  tinyKernel,
} from "../helpers/made-up-base.ts";

const run = promisify(execFile);
const debianKernel = "6.12.118+deb13-arm64";

let folder: string;
let image: string;
let archive: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vendor-base-"));
  const pi = join(folder, "pi");
  await makeTinyRoot(pi, debianKernel);
  await run("cp", ["-a", pi, join(folder, "l4t")]);
  await dressAsRaspberryPiOs(pi, debianKernel);
  image = join(folder, "raspios.img");
  await packRaspberryPiOs(pi, image, 64);
  await dressAsL4t(join(folder, "l4t"), debianKernel, "32.7");
  archive = join(folder, "l4t-root.tar.bz2");
  await packL4t(join(folder, "l4t"), archive);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A folder for one build, with a root to be filled. */
async function workshop(name: string): Promise<{ folder: string; tree: string; boot: string }> {
  const place = join(folder, name);
  await mkdir(join(place, "tree"), { recursive: true });
  return { folder: place, tree: join(place, "tree"), boot: join(place, "boot") };
}

const modeOf = async (path: string): Promise<number> => (await lstat(path)).mode & 0o7777;

/** That of every file which has more than the plain bits, or another owner: what makes sudo and ping work. */
async function expectOwnersAndModes(tree: string): Promise<void> {
  expect(await modeOf(join(tree, "usr/bin/sudo"))).toBe(0o4755);
  expect(await modeOf(join(tree, "usr/bin/wall"))).toBe(0o2755);
  expect(await modeOf(join(tree, "tmp"))).toBe(0o1777);
  expect((await lstat(join(tree, "usr/bin/tell"))).uid).toBe(1000);
  const { stdout } = await run("/usr/sbin/getcap", [join(tree, "usr/bin/ping")]);
  expect(stdout).toContain("cap_net_raw=ep");
}

describe("an image of Raspberry Pi OS", () => {
  it("is taken apart to its boot files and its root, with owners, modes and capabilities", async () => {
    const place = await workshop("pi-plain");
    await openRaspberryPiOs(image, place);
    expect(await readdir(place.tree)).not.toContain("lost+found");
    expect(await readFile(join(place.tree, "etc/rpi-issue"), "utf8")).toContain("pi-gen");
    await expectOwnersAndModes(place.tree);
    expect(await readFile(join(place.boot, "overlays/vc4-kms-v3d.dtbo"), "utf8")).toBe("overlay");
    expect(await readdir(place.folder)).toEqual(["boot", "tree"]);
  });

  it("may be packed with xz or zstd, and stays as it was", async () => {
    for (const [program, end] of [
      ["xz", "xz"],
      ["zstd", "zst"],
    ] as const) {
      await run(program, ["-q", "-k", "-1", image]);
      const place = await workshop(`pi-${end}`);
      await openRaspberryPiOs(`${image}.${end}`, place);
      expect(await readdir(join(place.tree, "boot"))).toContain(`vmlinuz-${raspberryPiKernel}`);
      expect(await readdir(place.folder)).toEqual(["boot", "tree"]);
      await lstat(`${image}.${end}`);
    }
  });

  it.each(["raspberry-pi-3", "raspberry-pi-4", "raspberry-pi-5"])(
    "becomes the boot partition of a %s, without what its maker starts",
    async (name) => {
      const place = await workshop(`boot-${name}`);
      await openRaspberryPiOs(image, place);
      const kernel = await findKernel(place.tree);
      expect(kernel.version).toBe(raspberryPiKernel);
      const board = findBoard(name);
      const initrd = await packInitrd(place.tree, kernel, board.chain, place.folder);
      await layOutBoot({ ...place, board, base: "raspberry-pi-os", kernel, initrd, folder: place.boot });
      expect((await readdir(place.boot)).toSorted()).toEqual([
        ...["bcm2710-rpi-3-b.dtb", "bcm2711-rpi-4-b.dtb", "bcm2712-rpi-5-b.dtb", "bootcode.bin"],
        ...["cmdline.txt", "config.txt", "fixup.dat", "fixup4.dat", "initrd.img", "overlays"],
        ...["spotlive.yaml", "start.elf", "start4.elf", "vmlinuz"],
      ]);
      await expectBootable(place.boot, raspberryPiKernel);
      expect(await readFile(join(place.boot, "config.txt"), "utf8")).not.toContain("upstream_kernel");
    },
  );

  it("makes no initial RAM disk of its own any more: ours is started", async () => {
    const place = await workshop("pi-initramfs");
    await openRaspberryPiOs(image, place);
    const settings = join(place.tree, "etc/initramfs-tools/update-initramfs.conf");
    expect(await readFile(settings, "utf8")).toBe("update_initramfs=no\n");
    const names = await readdir(join(place.tree, "boot"));
    expect(names.filter((name) => name.startsWith("initrd"))).toEqual([]);
    expect(names).toContain(`vmlinuz-${raspberryPiKernel}`);
  });

  it("is refused when it is none", async () => {
    const place = await workshop("pi-none");
    await expect(openRaspberryPiOs(archive, place)).rejects.toThrow(/l4t-root.tar.bz2/);
  });
});

/** Every file that the firmware is told of is there, and the kernel is told of the right root. */
async function expectBootable(boot: string, kernel: string): Promise<void> {
  const config = await readFile(join(boot, "config.txt"), "utf8");
  expect(config).toContain("arm_64bit=1\n");
  const [, image = ""] = /^kernel=(.+)$/m.exec(config) ?? [];
  const [, initrd = ""] = /^initramfs (\S+) followkernel$/m.exec(config) ?? [];
  expect(await readFile(join(boot, image), "utf8")).toBe(tinyKernel);
  const { stdout } = await run("sh", ["-euc", 'gzip -dc "$1" | cpio -it --quiet', "sh", join(boot, initrd)]);
  expect(stdout).toContain(`lib/modules/${kernel}/kernel/mmc_block.ko\n`);
  const words = (await readFile(join(boot, "cmdline.txt"), "utf8")).trimEnd().split(" ");
  expect(words.filter((word) => word.startsWith("root="))).toEqual(["root=PARTLABEL=root-a"]);
  expect(words.filter((word) => word.startsWith("init="))).toEqual([]);
}

describe("a Debian root", () => {
  it.each(["raspberry-pi-3", "raspberry-pi-4", "raspberry-pi-5"])(
    "becomes the boot partition of a %s, with the device trees by their own names",
    async (name) => {
      const place = await workshop(`debian-${name}`);
      await makeTinyRoot(place.tree, debianKernel);
      const kernel = await findKernel(place.tree);
      const board = findBoard(name);
      const initrd = await packInitrd(place.tree, kernel, board.chain, place.folder);
      await layOutBoot({ ...place, board, base: "debian", kernel, initrd, folder: place.boot });
      const names = await readdir(place.boot);
      for (const wanted of ["bootcode.bin", "start.elf", "fixup.dat", "start4.elf", "fixup4.dat"])
        expect(names).toContain(wanted);
      expect(names).not.toContain("start_db.elf");
      await expectBootable(place.boot, debianKernel);
      expect(await readFile(join(place.boot, "config.txt"), "utf8")).toContain("\nupstream_kernel=1\n");
      expect(await readFile(join(place.boot, "bcm2837-rpi-3-b.dtb"), "utf8")).toContain("of the kernel");
      expect(await readdir(join(place.boot, "overlays"))).toEqual(["upstream.dtbo"]);
    },
  );
});

describe("a Debian root with a kernel of its backports, which lies with its modules", () => {
  it("becomes the boot partition of a raspberry-pi-5, and leads to its card", async () => {
    const place = await workshop("debian-backports");
    const version = "7.3.4+deb13-arm64";
    await makeTinyRoot(place.tree, version);
    const modules = join(place.tree, "usr/lib/modules", version);
    await rename(join(place.tree, `boot/vmlinuz-${version}`), join(modules, "vmlinuz"));
    await rename(join(place.tree, `usr/lib/linux-image-${version}`), join(modules, "dtb"));
    await writeFile(join(modules, "dtb/broadcom/bcm2712-d-rpi-5-b.dtb"), "device tree of the newer chip");
    const needed = ["sdhci-brcmstb", "pinctrl-brcmstb-bcm2712", "gpio-brcmstb", "gpio-regulator", "fixed"];
    for (const name of needed) await writeFile(join(modules, `kernel/${name}.ko`), "module");
    const lines = ["ext4", "mmc_block", ...needed].map((name) => `kernel/${name}.ko:\n`);
    await writeFile(join(modules, "modules.dep"), lines.join(""));
    const kernel = await findKernel(place.tree);
    const board = findBoard("raspberry-pi-5");
    const initrd = await packInitrd(place.tree, kernel, board.chain, place.folder);
    await layOutBoot({ ...place, board, base: "debian", kernel, initrd, folder: place.boot });
    await expectBootable(place.boot, version);
    expect(await readFile(join(place.boot, "bcm2712-rpi-5-b.dtb"), "utf8")).toContain("of the kernel");
    for (const name of ["bcm2712-d-rpi-5-b.dtb", "bcm2712d0-rpi-5-b.dtb"])
      expect(await readFile(join(place.boot, name), "utf8")).toBe("device tree of the newer chip");
    const list = ["-euc", 'gzip -dc "$1" | cpio -it --quiet', "sh", initrd];
    const { stdout } = await run("sh", list);
    for (const name of needed) expect(stdout).toContain(`/kernel/${name}.ko\n`);
  });
});

describe("a root of L4T", () => {
  it("is unpacked with owners, modes and capabilities, whether its names begin with ./ or not", async () => {
    const place = await workshop("l4t-plain");
    await openL4t(archive, place.tree);
    await expectOwnersAndModes(place.tree);
    const bare = join(folder, "bare.tar");
    const tree = join(folder, "l4t");
    const pack = 'cd "$1" && mkdir dev usr/dev && touch dev/node usr/dev/file && tar -cf "$2" *';
    await run("sh", ["-euc", pack, "sh", tree, bare]);
    const other = await workshop("l4t-bare");
    await openL4t(bare, other.tree);
    expect(await readdir(join(other.tree, "dev"))).toEqual([]);
    expect(await readdir(join(other.tree, "usr/dev"))).toEqual(["file"]);
  });

  it("becomes the boot partition of a Jetson", async () => {
    const place = await workshop("l4t-boot");
    await openL4t(archive, place.tree);
    const kernel = await findKernel(place.tree);
    expect(kernel.version).toBe(l4tReleases["32.7"].kernel);
    const board = findBoard("jetson-nano");
    const initrd = await packInitrd(place.tree, kernel, board.chain, place.folder);
    await layOutBoot({ ...place, board, base: "l4t", kernel, initrd, folder: place.boot });
    const config = await readFile(join(place.boot, "extlinux/extlinux.conf"), "utf8");
    expect(config).toMatch(/^ {2}LINUX \/Image$/m);
    expect(config).toMatch(/^ {2}INITRD \/initrd.img$/m);
    expect(config).toMatch(/^ {2}APPEND \$\{cbootargs\} root=PARTLABEL=root-a /m);
    expect((await readdir(place.boot)).toSorted()).toEqual([
      ...["Image", "extlinux", "initrd.img", "spotlive.yaml"],
    ]);
  });

  it("asks its distribution's archive alone: the address of its maker's has a blank until the board has started", async () => {
    const place = await workshop("l4t-archive");
    await openL4t(archive, place.tree);
    const { stdout } = await run("grep", ["-rlE", "^(deb|URIs)", join(place.tree, "etc/apt")]);
    expect(stdout.trim().split("\n")).toEqual([join(place.tree, "etc/apt/sources.list")]);
  });

  it("of an Orin has the kernel that is started by UEFI, and leads to a card, an SSD and a stick", async () => {
    const place = await workshop("l4t-orin");
    await makeTinyRoot(place.tree, debianKernel);
    await dressAsL4t(place.tree, debianKernel, "36.4");
    const needed = ["sdhci-tegra", "nvme", "pcie-tegra194", "phy-tegra194-p2u", "xhci-tegra", "usb-storage"];
    const modules = join(place.tree, "usr/lib/modules", l4tReleases["36.4"].kernel);
    for (const name of needed) await writeFile(join(modules, `kernel/${name}.ko`), "module");
    await writeFile(join(modules, "modules.dep"), needed.map((name) => `kernel/${name}.ko:\n`).join(""));
    const kernel = await findKernel(place.tree);
    expect(kernel).toMatchObject({
      version: l4tReleases["36.4"].kernel,
      image: join(place.tree, "boot/Image"),
    });
    const { chain } = findBoard("jetson-orin-nano");
    expect(chain).toBe("uefi");
    const initrd = await packInitrd(place.tree, kernel, chain, place.folder);
    const { stdout } = await run("sh", ["-euc", 'gzip -dc "$1" | cpio -it --quiet', "sh", initrd]);
    for (const name of needed) expect(stdout).toContain(`/kernel/${name}.ko\n`);
  });

  it("is refused when its one kernel cannot be told from two", async () => {
    const place = await workshop("l4t-two");
    await openL4t(archive, place.tree);
    const modules = join(place.tree, "usr/lib/modules");
    await mkdir(join(modules, "4.9.1-custom"));
    await expect(findKernel(place.tree)).rejects.toThrow(
      /modules of several kernels \(.*4\.9\.1-custom.*leave one/,
    );
  });

  it("is refused when it is another system's", async () => {
    const place = await workshop("l4t-none");
    const tree = join(folder, "no-l4t");
    await makeTinyRoot(tree, debianKernel);
    await packL4t(tree, join(folder, "no-l4t.tar"));
    await expect(openL4t(join(folder, "no-l4t.tar"), place.tree)).rejects.toThrow(
      /no-l4t.tar has no etc\/nv_tegra_release/,
    );
  });
});

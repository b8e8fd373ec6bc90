import { access, chmod, copyFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { runTool, checkout } from "../deb/tools.ts";
import type { BootChain } from "./boards.ts";

/** What leads to the root partition on machines of a kind; what a kernel has built in, or has not, is left out. */
const drivers: Readonly<Record<BootChain, readonly string[]>> = {
  uefi: [
    ...["virtio_mmio", "virtio_pci", "virtio_blk", "virtio_scsi"],
    ...["nvme", "ahci", "ata_piix", "sd_mod", "usb_storage", "uas", "xhci_pci", "ehci_pci"],
    ...["sdhci_pci", "sdhci_acpi", "mmc_block"],
    ...["sdhci_tegra", "phy_tegra194_p2u", "pcie_tegra194", "xhci_tegra"],
  ],
  "raspberry-pi": [
    ...["mmc_block", "bcm2835", "sdhci_iproc", "sdhci_brcmstb", "gpio_regulator", "fixed"],
    // The card's lines and power of a 5 hang on the first three.
    ...["pinctrl_brcmstb", "pinctrl_brcmstb_bcm2712", "gpio_brcmstb"],
    ...["gpio_raspberrypi_exp", "clk_raspberrypi", "reset_raspberrypi", "pcie_brcmstb", "irq_bcm2712_mip"],
    ...["xhci_pci", "usb_storage", "uas", "sd_mod"],
  ],
  extlinux: ["mmc_block", "sdhci_tegra", "usb_storage", "sd_mod"],
};
/** Asked for by name: nothing in the hardware asks for them. The last ones are for names on FAT. */
const always = ["ext4", "crc32c_generic", "overlay", "vfat", "nls_cp437", "nls_ascii", "nls_utf8"];

export interface Kernel {
  readonly version: string;
  /** The path of its image. */
  readonly image: string;
  /** The folder of its modules. */
  readonly modules: string;
}

/**
 * The newest kernel of a root. Throws when there is none. Raspberry Pi OS has two for each version: the one that starts on all
 * of our boards is taken. L4T has one, which is called Image.
 */
export async function findKernel(tree: string): Promise<Kernel> {
  const names = await readdir(join(tree, "boot")).catch((): readonly string[] => []);
  if (names.includes("Image")) return await findOnlyKernel(tree);
  const [newest] = names
    .filter((name) => name.startsWith("vmlinuz-") && !name.endsWith("-rpi-2712"))
    .toSorted((a, b) => b.localeCompare(a, "en", { numeric: true }));
  if (newest === undefined) return await findKernelByItsModules(tree);
  const version = newest.slice("vmlinuz-".length);
  return { version, image: join(tree, "boot", newest), modules: join(tree, "usr/lib/modules", version) };
}

/** The newer kernels of Debian lie with their modules; /boot has a copy where something has made one. */
async function findKernelByItsModules(tree: string): Promise<Kernel> {
  const folder = join(tree, "usr/lib/modules");
  const versions = await readdir(folder).catch((): readonly string[] => []);
  for (const version of versions.toSorted((a, b) => b.localeCompare(a, "en", { numeric: true }))) {
    const image = join(folder, version, "vmlinuz");
    const isThere = await access(image).then(
      () => true,
      () => false,
    );
    if (isThere) return { version, image, modules: join(folder, version) };
  }
  throw new Error(`There is no kernel in ${join(tree, "boot")}, and none in ${folder}.`);
}

async function findOnlyKernel(tree: string): Promise<Kernel> {
  const folder = join(tree, "lib/modules");
  const [version, ...others] = await readdir(folder).catch((): readonly string[] => []);
  if (version === undefined) throw new Error(`There are no kernel modules in ${folder}.`);
  if (others.length > 0)
    throw new Error(
      `${folder} has modules of several kernels (${[version, ...others].join(", ")}), and boot/Image does not say which it is: leave one.`,
    );
  return { version, image: join(tree, "boot/Image"), modules: join(folder, version) };
}

/** Packs the initial RAM disk: busybox, the modules that lead to the root, and `init`. Needs no emulation. */
export async function packInitrd(
  tree: string,
  kernel: Kernel,
  chain: BootChain,
  folder: string,
): Promise<string> {
  const root = join(folder, "initrd");
  for (const name of ["bin", "dev", "proc", "sys", "root"])
    await mkdir(join(root, name), { recursive: true });
  await copyFile(await findBusybox(tree), join(root, "bin/busybox"));
  await copyFile(join(root, "bin/busybox"), join(root, "bin/sh"));
  const byName = drivers[chain].filter((name) => name.startsWith("virtio") || name === "mmc_block");
  const init = await readFile(join(checkout, "image/disk/files/init"), "utf8");
  await writeFile(join(root, "init"), init.replace("@MODULES@", [...always, ...byName].join(" ")));
  for (const program of ["init", "bin/busybox", "bin/sh"]) await chmod(join(root, program), 0o755);
  await addModules(root, kernel, [...always, ...drivers[chain]]);
  const file = join(folder, "initrd.img");
  await runTool(
    "sh",
    "-euc",
    // The order of a folder is the disk's; times and numbers of inodes are the machine's.
    `cd "$1" && find . -exec touch -h -d @0 {} + && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0 | gzip -n -9 > "$2"`,
    "sh",
    root,
    file,
  );
  return file;
}

/** It must need nothing else. */
async function findBusybox(tree: string): Promise<string> {
  for (const path of ["usr/bin/busybox", "bin/busybox"].map((name) => join(tree, name))) {
    const program = await readFile(path).catch(() => undefined);
    if (program !== undefined && !program.includes("/lib/ld-linux-")) return path;
  }
  throw new Error("The root has no busybox that runs alone; package busybox-static has it.");
}

/** Copies the modules and what they need, unpacked, with tables for busybox's modprobe. */
async function addModules(root: string, kernel: Kernel, wanted: readonly string[]): Promise<void> {
  const lines = (await readFile(join(kernel.modules, "modules.dep"), "utf8")).trim().split("\n");
  const needs = new Map<string, readonly string[]>();
  for (const line of lines) {
    const [path = "", rest = ""] = line.split(":");
    needs.set(path, rest.trim().split(" ").filter(Boolean));
  }
  const paths = [...needs.keys()].filter((path) => wanted.includes(moduleName(path)));
  const all = [...new Set(paths.flatMap((path) => [path, ...(needs.get(path) ?? [])]))].toSorted();
  const target = join(root, "lib/modules", kernel.version);
  for (const path of all) await copyModule(join(kernel.modules, path), join(target, plain(path)));
  const table = all.map((path) => `${plain(path)}: ${(needs.get(path) ?? []).map(plain).join(" ")}\n`);
  await mkdir(target, { recursive: true });
  await writeFile(join(target, "modules.dep"), table.join(""));
  const names = new Set(all.map(moduleName));
  const aliases = (await readFile(join(kernel.modules, "modules.alias"), "utf8")).split("\n");
  const kept = aliases.filter((line) => names.has((line.split(" ").at(-1) ?? "").replaceAll("-", "_")));
  await writeFile(join(target, "modules.alias"), `${kept.join("\n")}\n`);
}

const plain = (path: string): string => path.replace(/\.(xz|zst|gz)$/, "");

const moduleName = (path: string): string => basename(plain(path), ".ko").replaceAll("-", "_");

async function copyModule(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const unpack = { xz: "xz", zst: "zstd", gz: "gzip", ko: "cat" }[
    /\.(xz|zst|gz|ko)$/.exec(from)?.[1] ?? "ko"
  ];
  const flags = unpack === "cat" || unpack === undefined ? "" : "-dc";
  await runTool("sh", "-euc", `${unpack ?? "cat"} ${flags} "$1" > "$2"`, "sh", from, to);
}

import { copyFile, cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkout, runTool } from "../deb/tools.ts";
import type { Base, Board } from "./boards.ts";
import type { Kernel } from "./initrd.ts";

/**
 * For every board: names of links as the kernel gives them (eth0, wlan0), the hardware begins anew 5 s after a panic,
 * and the console is not asked what it is, which costs systemd seconds where nobody answers.
 */
const kernelWords = [
  ...["ro", "quiet", "loglevel=4", "net.ifnames=0", "panic=5", "TERM=dumb"],
  // Without BPF among them systemd need not read all of the kernel's types at power-on; no unit asks for what that gives.
  "lsm=landlock,lockdown,yama,apparmor",
];

export interface BootFiles {
  readonly board: Board;
  /** Where the root comes from. */
  readonly base: Base["kind"];
  readonly tree: string;
  readonly kernel: Kernel;
  /** The initial RAM disk. */
  readonly initrd: string;
  /** The folder that becomes the FAT partition; what a maker's image had there may be in it. */
  readonly folder: string;
}

/** Lays out what the board's firmware looks for, and the boot file. */
export async function layOutBoot(files: BootFiles): Promise<void> {
  await mkdir(files.folder, { recursive: true });
  await copyFile(join(checkout, "image/disk/files/spotlive.yaml"), join(files.folder, "spotlive.yaml"));
  switch (files.board.chain) {
    case "uefi":
      return await layOutUefi(files);
    case "raspberry-pi":
      return await layOutRaspberryPi(files);
    case "extlinux":
      return await layOutExtlinux(files);
  }
}

const wordsOf = ({ consoles }: Pick<Board, "consoles">): string => [...kernelWords, ...consoles].join(" ");

/**
 * GRUB at the place where firmware looks on removable disks, so that nothing is written into a machine's memory. It finds
 * the slot on the disk that it came from. Kernel and initial RAM disk are in the slot, where an update replaces them with it.
 */
async function layOutUefi({ board, tree, kernel, initrd, folder }: BootFiles): Promise<void> {
  const target = { arm64: "arm64-efi", amd64: "x86_64-efi" }[board.architecture];
  const name = { arm64: "BOOTAA64.EFI", amd64: "BOOTX64.EFI" }[board.architecture];
  const modules = [
    ...["part_gpt", "fat", "ext2", "normal", "linux", "loadenv", "test", "regexp", "echo", "sleep"],
    ...["reboot", "halt", "configfile", "true"],
  ];
  // The modules of the image want the program of their own version.
  await runTool(
    "chroot",
    tree,
    "grub-mkimage",
    "-O",
    target,
    "-p",
    "/grub",
    "-o",
    "/boot/grub.efi",
    ...modules,
  );
  for (const made of ["EFI/BOOT", "grub"]) await mkdir(join(folder, made), { recursive: true });
  await runTool("mv", join(tree, "boot/grub.efi"), join(folder, "EFI/BOOT", name));
  const config = await readFile(join(checkout, "image/disk/files/grub.cfg"), "utf8");
  await writeFile(join(folder, "grub/grub.cfg"), config.replace("@KERNEL_WORDS@", wordsOf(board)));
  await runTool("mv", kernel.image, join(tree, "boot/vmlinuz"));
  await copyFile(initrd, join(tree, "boot/initrd.img"));
}

/** The firmware reads FAT alone: it gets kernel, initial RAM disk and device trees there. */
async function layOutRaspberryPi({ board, base, tree, kernel, initrd, folder }: BootFiles): Promise<void> {
  for (const name of await readdir(folder))
    if (makersOwn.test(name)) await rm(join(folder, name), { recursive: true });
  const firmware = join(tree, "usr/lib/raspi-firmware");
  for (const name of await readdir(firmware).catch((): readonly string[] => []))
    if (/^(bootcode\.bin|(start|fixup)(4)?\.(elf|dat))$/.test(name))
      await copyFile(join(firmware, name), join(folder, name));
  await copyDeviceTrees(tree, kernel, folder);
  await copyFile(kernel.image, join(folder, "vmlinuz"));
  await copyFile(initrd, join(folder, "initrd.img"));
  // The firmware puts its maker's name of the serial line in place of this one.
  const consoles = base === "debian" ? board.consoles : ["console=serial0,115200", "console=tty0"];
  await writeFile(join(folder, "cmdline.txt"), `root=PARTLABEL=root-a ${wordsOf({ consoles })}\n`);
  const config = base === "debian" ? `${raspberryPiConfig}${debianNames}` : raspberryPiConfig;
  await writeFile(join(folder, "config.txt"), config);
}

/** What the image of Raspberry Pi OS has on its FAT partition for itself: its kernels, and its first start. */
const makersOwn =
  /^(kernel\w*\.img|initramfs\w*|issue\.txt|user-data|meta-data|network-config|userconf\.txt)$/;

/** What the firmware of a Raspberry Pi is told (config.txt of its documentation). */
const raspberryPiConfig = `# Made with the image of spotlive.
arm_64bit=1
kernel=vmlinuz
initramfs initrd.img followkernel
disable_splash=1
boot_delay=0
enable_uart=1
# The audio output and the splash only cost time.
dtparam=audio=off
# The watchdog of systemd.
dtparam=watchdog=on
`;

/** Device trees are called as in Linux itself (bcm2837 on a Pi 3), and not as in its maker's (bcm2710). */
const debianNames = "upstream_kernel=1\n";

async function copyDeviceTrees(tree: string, { version }: Kernel, folder: string): Promise<void> {
  const places = [
    `usr/lib/modules/${version}/dtb/broadcom`,
    `usr/lib/linux-image-${version}/broadcom`,
    `usr/lib/linux-image-${version}`,
  ];
  for (const place of places)
    for (const name of await readdir(join(tree, place)).catch((): readonly string[] => [])) {
      if (!/^bcm2\d{3}(d0|-d)?-rpi-.*\.dtb$/.test(name)) continue;
      await copyFile(join(tree, place, name), join(folder, name));
      // The firmware of a 5 asks for that of its newer chip by its maker's name.
      if (name.includes("-d-rpi-"))
        await copyFile(join(tree, place, name), join(folder, name.replace("-d-rpi-", "d0-rpi-")));
    }
  const overlays = join(tree, "usr/lib/raspi-firmware/overlays");
  await cp(overlays, join(folder, "overlays"), { recursive: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  });
}

/** U-Boot of L4T looks for extlinux/extlinux.conf; its own device tree stays, as it knows the module's revision. */
async function layOutExtlinux({ board, kernel, initrd, folder }: BootFiles): Promise<void> {
  await mkdir(join(folder, "extlinux"), { recursive: true });
  await copyFile(kernel.image, join(folder, "Image"));
  await copyFile(initrd, join(folder, "initrd.img"));
  const lines = [
    "TIMEOUT 5",
    "DEFAULT primary",
    "LABEL primary",
    "  MENU LABEL spotlive",
    "  LINUX /Image",
    "  INITRD /initrd.img",
    `  APPEND \${cbootargs} root=PARTLABEL=root-a ${wordsOf(board)}`,
  ];
  await writeFile(join(folder, "extlinux/extlinux.conf"), `${lines.join("\n")}\n`);
}

import { execFile } from "node:child_process";
import { chmod, lchown, mkdir, readdir, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const mebibyte = 1 << 20;

/** What a board's maker would give, made of a Debian root: their files cannot be had everywhere. */
export const raspberryPiKernel = "6.12.75+rpt-rpi-v8";

/** What is not the same in all of L4T: of a Jetson Nano, and of a Jetson Orin Nano. */
export const l4tReleases = {
  "32.7": {
    kernel: "4.9.337-tegra",
    system: 'NAME="Ubuntu"\nVERSION="18.04.6 LTS (Bionic Beaver)"\nID=ubuntu\nVERSION_ID="18.04"\n',
    mark: "# R32 (release), REVISION: 7.6, GCID: 38171779, BOARD: t210ref, EABI: aarch64\n",
    deviceTrees: ["boot/tegra210-p3448-0000-p3449-0000-b00.dtb"],
    units: {
      "nv-oem-config": "NVIDIA OEM configuration",
      nvgetty: "UART on ttyS0 or ttyTHS0",
    },
  },
  "36.4": {
    kernel: "5.15.148-tegra",
    system: 'NAME="Ubuntu"\nVERSION="22.04.5 LTS (Jammy Jellyfish)"\nID=ubuntu\nVERSION_ID="22.04"\n',
    mark: "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64\n",
    deviceTrees: [
      "boot/dtb/kernel_tegra234-p3768-0000+p3767-0005-nv.dtb",
      "boot/tegra234-p3768-0000+p3767-0005-nv.dtb",
    ],
    units: {
      "nv-oem-config": "NVIDIA OEM configuration",
      "nv-l4t-bootloader-config": "Check for updates of the boot loader",
      "nv-l4t-usb-device-mode": "Be a device on USB",
      nvfancontrol: "Turn the fan by the temperature",
      nvgetty: "UART on ttyTCU0",
      nvpmodel: "Set the power mode",
    },
  },
} as const;

export const tinyKernel = "a kernel with pages of 4 KiB";

/** A root with just enough in it to be taken apart and laid out anew; nothing in it can be started. */
export async function makeTinyRoot(tree: string, kernel: string): Promise<void> {
  const modules = `usr/lib/modules/${kernel}`;
  const files: Readonly<Record<string, string>> = {
    "etc/os-release": 'ID=debian\nVERSION_ID="13"\n',
    "etc/apt/sources.list": "deb http://deb.debian.org/debian trixie main\n",
    "etc/shadow": "root:*:20000:0:99999:7:::\n",
    "usr/bin/busybox": "runs alone",
    "usr/bin/sudo": "becomes root",
    "usr/bin/ping": "opens a raw socket",
    "usr/bin/wall": "writes to terminals",
    "var/lib/dpkg/status": "",
    [`boot/vmlinuz-${kernel}`]: tinyKernel,
    [`${modules}/kernel/ext4.ko`]: "module",
    [`${modules}/kernel/mmc_block.ko`]: "module",
    [`${modules}/modules.dep`]: "kernel/ext4.ko:\nkernel/mmc_block.ko:\n",
    [`${modules}/modules.alias`]: "alias mmc:block mmc_block\n",
    "usr/lib/raspi-firmware/bootcode.bin": "first",
    "usr/lib/raspi-firmware/start.elf": "firmware of a 3",
    "usr/lib/raspi-firmware/fixup.dat": "its patch",
    "usr/lib/raspi-firmware/start4.elf": "firmware of a 4",
    "usr/lib/raspi-firmware/fixup4.dat": "its patch",
    "usr/lib/raspi-firmware/start_db.elf": "for debugging",
    "usr/lib/raspi-firmware/overlays/upstream.dtbo": "overlay",
    ...Object.fromEntries(
      ["bcm2711-rpi-4-b", "bcm2712-rpi-5-b", "bcm2837-rpi-3-b", "bcm2837-rpi-3-b-plus"].map((name) => [
        `usr/lib/linux-image-${kernel}/broadcom/${name}.dtb`,
        `device tree ${name} of the kernel`,
      ]),
    ),
  };
  await writeFiles(tree, files);
  await symlink("usr/lib", join(tree, "lib"));
  await mkdir(join(tree, "tmp"));
  for (const [path, mode] of Object.entries({ tmp: 0o1777, "usr/bin/sudo": 0o4755, "usr/bin/wall": 0o2755 }))
    await chmod(join(tree, path), mode);
  await chmod(join(tree, "usr/bin/ping"), 0o755);
  await run("setcap", ["cap_net_raw+ep", join(tree, "usr/bin/ping")], {
    env: { PATH: "/usr/sbin:/usr/bin" },
  });
  await symlink("wall", join(tree, "usr/bin/tell"));
  await lchown(join(tree, "usr/bin/tell"), 1000, 1000);
}

/** Turns a Debian root into one like Raspberry Pi OS Lite's, as far as a build looks at it. */
export async function dressAsRaspberryPiOs(tree: string, debianKernel: string): Promise<void> {
  await renameKernel(tree, debianKernel, raspberryPiKernel);
  // The other kernel is for the 5 alone, with larger pages.
  const other = raspberryPiKernel.replace("v8", "2712");
  await mkdir(join(tree, `usr/lib/modules/${other}`), { recursive: true });
  await writeFiles(tree, {
    [`boot/vmlinuz-${other}`]: "a kernel with pages of 16 KiB",
    [`boot/initrd.img-${raspberryPiKernel}`]: "initial RAM disk of its maker",
    "etc/initramfs-tools/update-initramfs.conf": "update_initramfs=yes\n",
    "etc/rpi-issue": "Raspberry Pi reference 2026-06-18\nGenerated using pi-gen\n",
    "etc/fstab": [
      "proc            /proc           proc    defaults          0       0",
      "PARTUUID=4f3a1c55-01  /boot/firmware  vfat    defaults          0       2",
      "PARTUUID=4f3a1c55-02  /               ext4    defaults,noatime  0       1",
      "",
    ].join("\n"),
    "usr/lib/systemd/system/userconfig.service": unit("User configuration dialog"),
    "usr/lib/systemd/system/sshswitch.service": unit("Turn on SSH if /boot/firmware/ssh is present"),
    "usr/lib/systemd/system/rpi-eeprom-update.service": unit("Check for Raspberry Pi EEPROM updates"),
    "usr/lib/systemd/system/dphys-swapfile.service": unit("Set up, mount/unmount, and delete a swap file"),
    "usr/lib/raspberrypi-sys-mods/firstboot": "#!/bin/sh\n",
  });
  const units = ["userconfig", "sshswitch", "rpi-eeprom-update", "dphys-swapfile"];
  await enable(tree, units, "/usr/lib/systemd/system");
}

/** Packs a root as an image of Raspberry Pi OS: an MBR with a FAT and an ext4 partition. `file` ends in `.img`. */
export async function packRaspberryPiOs(tree: string, file: string, rootMebibytes: number): Promise<void> {
  const [boot, fat, root] = [`${file}.boot`, `${file}.fat`, `${file}.ext4`];
  await writeFiles(boot, {
    "config.txt":
      "# For more options and information see\narm_64bit=1\nauto_initramfs=1\ndtoverlay=vc4-kms-v3d\n",
    "cmdline.txt":
      "console=serial0,115200 console=tty1 root=PARTUUID=4f3a1c55-02 rootfstype=ext4 fsck.repair=yes rootwait quiet init=/usr/lib/raspberrypi-sys-mods/firstboot\n",
    "kernel8.img": "kernel of its maker",
    "kernel_2712.img": "kernel of its maker",
    initramfs8: "initial RAM disk of its maker",
    initramfs_2712: "initial RAM disk of its maker",
    "user-data": "#cloud-config\n",
    "bootcode.bin": "first",
    "start.elf": "firmware of a 3",
    "fixup.dat": "its patch",
    "start4.elf": "firmware of a 4",
    "fixup4.dat": "its patch",
    "bcm2710-rpi-3-b.dtb": "device tree of its maker",
    "bcm2711-rpi-4-b.dtb": "device tree of its maker",
    "bcm2712-rpi-5-b.dtb": "device tree of its maker",
    "overlays/vc4-kms-v3d.dtbo": "overlay",
  });
  const env = { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };
  await run("mkfs.vfat", ["-F", "32", "-n", "bootfs", "-C", fat, String(64 * 1024)], { env });
  const names = await readdir(boot);
  await run("mcopy", ["-s", "-i", fat, ...names.map((name) => join(boot, name)), "::/"], { env });
  await run("mke2fs", ["-q", "-t", "ext4", "-L", "rootfs", "-d", tree, root, `${rootMebibytes}M`], { env });
  await writeFile(file, "");
  await truncate(file, (8 + 64 + rootMebibytes) * mebibyte);
  const table = `label: dos\nlabel-id: 0x4f3a1c55\nstart=16384, size=${64 * 2048}, type=c\nstart=${72 * 2048}, type=83\n`;
  await run("sh", ["-euc", 'printf "$1" | sfdisk --quiet "$2"', "sh", table, file], { env });
  for (const [part, at] of [
    [fat, 8],
    [root, 72],
  ] as const)
    await run("dd", [
      `if=${part}`,
      `of=${file}`,
      "bs=1M",
      `seek=${at}`,
      "conv=notrunc,sparse",
      "status=none",
    ]);
  for (const leftover of [boot, fat, root]) await rm(leftover, { recursive: true });
}

/** Of Ubuntu's package network-manager: every ethernet is left to another program. */
export const ubuntusNetworkManager =
  "[keyfile]\nunmanaged-devices=*,except:type:wifi,except:type:gsm,except:type:cdma\n";

/** Turns a Debian root into one like that of L4T after `apply_binaries.sh`, as far as a build looks at it. */
export async function dressAsL4t(
  tree: string,
  debianKernel: string,
  release: keyof typeof l4tReleases,
): Promise<void> {
  const { kernel, system, mark, deviceTrees, units } = l4tReleases[release];
  await renameKernel(tree, debianKernel, kernel);
  await rename(join(tree, `boot/vmlinuz-${kernel}`), join(tree, "boot/Image"));
  await writeFiles(tree, {
    "etc/os-release": system,
    "etc/nv_tegra_release": mark,
    // The blank is filled in when the board starts for the first time.
    "etc/apt/sources.list.d/nvidia-l4t-apt-source.list": ["common", "<SOC>"]
      .map((part) => `deb https://repo.download.nvidia.com/jetson/${part} r${release} main\n`)
      .join(""),
    "boot/extlinux/extlinux.conf": `TIMEOUT 30\nDEFAULT primary\nLABEL primary\n  LINUX /boot/Image\n  INITRD /boot/initrd\n  APPEND \${cbootargs} quiet root=/dev/mmcblk0p1 rw\n`,
    "boot/initrd": "initial RAM disk of its maker",
    ...Object.fromEntries(deviceTrees.map((path) => [path, "device tree of its maker"])),
    "usr/lib/NetworkManager/conf.d/10-globally-managed-devices.conf": ubuntusNetworkManager,
    "etc/systemd/system/nv-oem-config.target": "[Unit]\nDescription=Ask for a name and a password\n",
    ...Object.fromEntries(
      Object.entries(units).map(([name, text]) => [`etc/systemd/system/${name}.service`, unit(text)]),
    ),
  });
  await enable(tree, Object.keys(units), "/etc/systemd/system");
  await symlink("nv-oem-config.target", join(tree, "etc/systemd/system/default.target"));
}

/** Packs a root as NVIDIA's own is packed. */
export async function packL4t(tree: string, file: string): Promise<void> {
  await run("tar", ["-cf", file, "--auto-compress", "--numeric-owner", "--xattrs", "-C", tree, "."]);
}

const unit = (description: string): string =>
  `[Unit]\nDescription=${description}\n[Service]\nType=oneshot\nExecStart=/bin/false\n[Install]\nWantedBy=multi-user.target\n`;

async function enable(tree: string, units: readonly string[], folder: string): Promise<void> {
  const wants = join(tree, "etc/systemd/system/multi-user.target.wants");
  await mkdir(wants, { recursive: true });
  for (const name of units) await symlink(`${folder}/${name}.service`, join(wants, `${name}.service`));
}

async function renameKernel(tree: string, from: string, to: string): Promise<void> {
  for (const name of ["boot/vmlinuz-", "boot/config-", "boot/System.map-", "usr/lib/modules/"])
    await rename(join(tree, `${name}${from}`), join(tree, `${name}${to}`)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    });
  await rm(join(tree, `usr/lib/linux-image-${from}`), { recursive: true, force: true });
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await rm(join(folder, path), { force: true }); // not through a link
    await writeFile(join(folder, path), content);
  }
}

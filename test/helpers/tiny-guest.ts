import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import type { GuestOptions } from "./guest.ts";

/** The least that boots: Debian's kernel for machines in the cloud, and busybox. */
export interface TinyGuest extends AsyncDisposable {
  /** A disk with the partitions of an image (`boot` FAT, `root-a` and `root-b` empty, `data` ext4). */
  readonly disk: string;
  /** For `startGuest`: runs a shell script as the first program; its disk is /dev/vda, its serial line /dev/console. */
  boots(script: string): Promise<Pick<GuestOptions, "architecture" | "disk" | "kernel" | "memory">>;
}

const cache = join(homedir(), ".cache/spotlive/test");
const run = promisify(execFile);
const mebibyte = 1_048_576;

/** Named in the order in which they can be loaded. */
const modules = [
  ...["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk"],
  ...["failover", "net_failover", "virtio_net", "crc16", "mbcache", "jbd2", "crc32c_generic", "ext4"],
  ...["fat", "vfat", "nls_cp437", "nls_ascii", "nls_iso8859-1", "nls_utf8"],
];

/** Makes one in a temporary folder. Rejects where Debian's packages cannot be had. */
export async function makeTinyGuest(): Promise<TinyGuest> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "tiny-guest-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const system = await unpackedPackages();
  const disk = join(folder, "disk.img");
  await makeDisk(disk);
  const root = join(folder, "initrd");
  for (const name of ["bin", "dev", "proc", "sys", "modules", "data", "boot"])
    await mkdir(join(root, name), { recursive: true });
  const files = await readdir(system, { recursive: true });
  const find = (name: string): string | undefined => files.find((file) => basename(file) === name);
  const busybox = files.find((file) => file.endsWith("bin/busybox")) ?? "bin/busybox";
  for (const program of ["busybox", "sh"]) await copyFile(join(system, busybox), join(root, "bin", program));
  const found = modules.flatMap((name) => find(`${name}.ko`) ?? []);
  for (const path of found) await copyFile(join(system, path), join(root, "modules", basename(path)));
  const image = files.find((file) => basename(file).startsWith("vmlinuz-"));
  if (image === undefined) throw new Error(`${system}: expected a kernel`);
  const held = stack.move();
  return {
    disk,
    async boots(script) {
      const lines = [
        "#!/bin/sh",
        "/bin/busybox --install -s /bin; mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev",
        ...found.map((path) => `insmod /modules/${basename(path)}`),
        // Each line by itself, as the kernel speaks there too.
        'say() { echo "$*" >/dev/console; }',
        script,
        "sync; poweroff -f",
      ];
      await writeFile(join(root, "init"), `${lines.join("\n")}\n`);
      await chmod(join(root, "init"), 0o755);
      const initrd = join(folder, "initrd.img");
      const pack = 'cd "$1" && find . | cpio --quiet -o -H newc > "$2"';
      await run("sh", ["-euc", pack, "sh", root, initrd]);
      const words = "console=ttyS0 quiet panic=1";
      return {
        architecture: "amd64",
        disk,
        memory: 256,
        kernel: { image: join(system, image), initrd, words },
      };
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** The package of the kernel in this system's archive, and undefined where there is none (Ubuntu). */
async function kernelPackage(): Promise<string | undefined> {
  const { stdout } = await run("apt-cache", ["depends", "--important", "linux-image-cloud-amd64"]);
  return /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
}

/** Why there is no such guest on this machine; undefined when there is. */
export async function whyNoTinyGuest(): Promise<string | undefined> {
  const kernel = await kernelPackage().catch(() => undefined);
  return kernel === undefined ? "there is no package linux-image-cloud-amd64 for this system" : undefined;
}

/** Downloads Debian's packages once and unpacks them; nothing is installed. Gives the folder that they are in. */
async function unpackedPackages(): Promise<string> {
  const kernel = await kernelPackage();
  if (kernel === undefined) throw new Error(await whyNoTinyGuest());
  const folder = join(cache, kernel);
  if ((await readdir(folder).catch(() => [])).length > 0) return folder;
  await mkdir(cache, { recursive: true });
  const made = await mkdtemp(join(cache, "new-"));
  try {
    await run("apt-get", ["download", "-q", kernel, "busybox-static"], { cwd: made });
    for (const name of await readdir(made)) {
      await run("dpkg-deb", ["-x", join(made, name), join(made, "root")]);
    }
    await rename(join(made, "root"), folder);
  } finally {
    await rm(made, { recursive: true });
  }
  return folder;
}

async function makeDisk(disk: string): Promise<void> {
  const sizes = [
    ["boot", 40],
    ["root-a", 1],
    ["root-b", 1],
    ["data", 64],
  ] as const;
  await writeFile(disk, "");
  await truncate(disk, 108 * mebibyte);
  const table = ["label: gpt", ...sizes.map(([name, size]) => `size=${size}MiB, name=${name}`)];
  const write = 'printf %s "$2" | /usr/sbin/sfdisk --quiet "$1"';
  await run("sh", ["-euc", write, "sh", disk, `${table.join("\n")}\n`]);
  const fat = ["--offset", "2048", "-F", "32", disk, `${40 * 1024}`];
  await run("/usr/sbin/mkfs.vfat", fat);
  await run("/usr/sbin/mke2fs", ["-q", "-t", "ext4", "-E", `offset=${43 * mebibyte}`, disk, "64M"]);
}

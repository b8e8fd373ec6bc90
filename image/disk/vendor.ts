import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../deb/tools.ts";
import { unpackExt4 } from "./ext4.ts";
import { unpackRoot } from "./tree.ts";

interface Partition {
  readonly start: number;
  readonly size: number;
  readonly type: string;
}

/**
 * Takes a Raspberry Pi OS image apart, without a loop device: what is on its FAT partition goes to `boot`, its root to
 * `tree`. `file` may be packed with xz or zstd. Throws when it is no such image.
 */
export async function openRaspberryPiOs(
  file: string,
  { boot, tree, folder }: { readonly boot: string; readonly tree: string; readonly folder: string },
): Promise<void> {
  const image = await unpacked(file, folder);
  const partitions = await readPartitions(image);
  const fat = partitions.find(({ type }) => ["c", "b", "e"].includes(type));
  const root = partitions.find(({ type }) => type === "83");
  if (fat === undefined || root === undefined)
    throw new Error(
      `${file} is no Raspberry Pi OS image: expected a FAT and a Linux partition, got types ${partitions.map(({ type }) => type).join(", ") || "none"}.`,
    );
  await mkdir(boot, { recursive: true });
  await runTool("mcopy", "-s", "-m", "-Q", "-n", "-i", `${image}@@${fat.start * 512}`, "::/*", boot);
  const ext4 = join(folder, "vendor-root.ext4");
  await runTool(
    "sh",
    "-euc",
    'dd if="$1" of="$2" bs=512 skip="$3" count="$4" conv=sparse status=none',
    "sh",
    image,
    ext4,
    String(root.start),
    String(root.size),
  );
  await unpackExt4(ext4, tree);
  await rm(join(tree, "lost+found"), { recursive: true, force: true });
  await rm(ext4);
  if (image !== file) await rm(image);
  await checkRoot(tree, file);
  await leaveOutInitramfs(tree);
}

/** Unpacks the root file system of L4T as NVIDIA's tools leave it after apply_binaries: a tar file. */
export async function openL4t(file: string, tree: string): Promise<void> {
  await unpackRoot(file, tree);
  await checkRoot(tree, file);
  const release = await readdir(join(tree, "etc")).then((names) => names.includes("nv_tegra_release"));
  if (!release)
    throw new Error(`${file} has no etc/nv_tegra_release: expected the root of L4T after apply_binaries.sh.`);
  await leaveOutArchive(tree);
  await leaveOutInitramfs(tree);
}

/**
 * Takes NVIDIA's own archive off the list: nothing of ours comes from there, and until a board's first start it may have
 * a blank in its address (`jetson/<SOC>`), at which apt gives up.
 */
async function leaveOutArchive(tree: string): Promise<void> {
  for (const end of ["list", "sources"])
    await rm(join(tree, `etc/apt/sources.list.d/nvidia-l4t-apt-source.${end}`), { force: true });
}

/**
 * Lets a root make no initial RAM disk of its own while packages are installed: that takes a quarter of an hour for each
 * kernel under emulation, and ours is what is started.
 */
async function leaveOutInitramfs(tree: string): Promise<void> {
  for (const name of await readdir(join(tree, "boot")).catch((): readonly string[] => []))
    if (/^initrd(\.img.*)?$/.test(name)) await rm(join(tree, "boot", name));
  const settings = join(tree, "etc/initramfs-tools");
  await mkdir(settings, { recursive: true });
  await writeFile(join(settings, "update-initramfs.conf"), "update_initramfs=no\n");
}

async function checkRoot(tree: string, file: string): Promise<void> {
  const names = await readdir(tree);
  for (const wanted of ["etc", "usr", "var"])
    if (!names.includes(wanted)) throw new Error(`${file} holds no Linux root: it has no /${wanted}.`);
}

async function unpacked(file: string, folder: string): Promise<string> {
  const program = { ".xz": "xz", ".zst": "zstd" }[/\.(xz|zst)$/.exec(file)?.[0] ?? ""];
  if (program === undefined) return file;
  const image = join(folder, "vendor.img");
  await runTool("sh", "-euc", `${program} -dc "$1" > "$2"`, "sh", file, image);
  return image;
}

async function readPartitions(image: string): Promise<readonly Partition[]> {
  const text = await runTool("sfdisk", "--json", image);
  const { partitiontable: table } = JSON.parse(text) as {
    readonly partitiontable: { readonly partitions?: readonly Partition[] };
  };
  return table.partitions ?? [];
}

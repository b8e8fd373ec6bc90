import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packDeb } from "../deb/pack.ts";
import { runTool } from "../deb/tools.ts";
import { readBuild } from "../deb/version.ts";
import { debianBase } from "./base.ts";
import type { Base, Board } from "./boards.ts";
import { layOutBoot } from "./boot-partition.ts";
import { ensureRuns } from "./emulation.ts";
import { assembleDisk, makeData, makeFat, makeSlot } from "./filesystems.ts";
import type { Identity, Part } from "./filesystems.ts";
import { findKernel, packInitrd } from "./initrd.ts";
import { openMke2fs } from "./mke2fs.ts";
import { provision, updateLists } from "./provision.ts";
import { renderSbom } from "./sbom.ts";
import { say } from "./shell.ts";
import { tidy } from "./tidy.ts";
import { openWorkshop, unpackRoot } from "./tree.ts";
import type { Workshop } from "./tree.ts";
import { openL4t, openRaspberryPiOs } from "./vendor.ts";

const mebibyte = 1_048_576;

export interface BuildOptions {
  readonly board: Board;
  /** What its maker gives: an image or a root. */
  readonly base: string | undefined;
  /** Where the image goes. */
  readonly folder: string;
  /** Runs the playbook a second time, and rejects when that changes anything. */
  readonly twice: boolean;
}

export interface Built {
  /** The packed image. */
  readonly path: string;
  readonly manifest: Manifest;
}

/** What an image is, for people and for the program that writes cards. */
export interface Manifest {
  readonly board: string;
  readonly version: string;
  readonly base: { readonly name: string; readonly sha256: string };
  readonly kernel: string;
  readonly image: { readonly bytes: number; readonly sha256: string };
  readonly partitions: readonly { readonly name: string; readonly bytes: number }[];
  readonly packages: number;
}

/** Makes the image of a board with its sum, its list of contents and its manifest. Rejects with what is missing. */
export async function buildImage({ board, base, folder, twice }: BuildOptions): Promise<Built> {
  if (process.getuid?.() !== 0)
    throw new Error("An image belongs to root: run this as root (sudo), or in a container as its root.");
  await ensureRuns(board.architecture);
  const build = await readBuild();
  const identity: Identity = { name: `${board.name} ${build.version}`, time: build.time };
  await using workshop = await openWorkshop();
  const boot = join(workshop.folder, "boot");
  const origin = await openBase({ board, base }, workshop, boot);
  const compression = "none"; // it is unpacked at once
  const { architecture, ownLibc, gstreamer } = board;
  const deb = await packDeb({ architecture, folder: workshop.folder, compression, ownLibc, gstreamer });
  // Our own base has every package already.
  if (base !== undefined) await updateLists(workshop.tree);
  say("Running the playbook on the root ...");
  const wanted = { ...workshop, board, groups: origin.groups, deb };
  await provision(wanted);
  if (twice) {
    const changes = await provision(wanted);
    if (changes > 0)
      throw new Error(`The second run of the playbook changed ${changes} things, expected none.`);
  }
  await tidy(workshop.tree, origin.backend);
  const kernel = await findKernel(workshop.tree);
  const initrd = await packInitrd(workshop.tree, kernel, board.chain, workshop.folder);
  await layOutBoot({ board, base: origin.kind, tree: workshop.tree, kernel, initrd, folder: boot });
  const name = `spotlive-${board.name}`;
  const { version, time } = build;
  const sbom = await renderSbom(workshop.tree, { name, version, time });
  say("Making the file systems and the disk ...");
  const image = join(workshop.folder, "disk.img");
  const parts = await makeParts(board, workshop, boot, identity);
  const bytes = await assembleDisk(parts, image, identity, board.bootPartition);
  const manifest: Manifest = {
    board: board.name,
    version: build.version,
    base: { name: origin.name, sha256: origin.sha256 },
    kernel: kernel.version,
    image: { bytes, sha256: await sha256(image) },
    partitions: parts.map(({ name, size }) => ({ name, bytes: size })),
    packages: (JSON.parse(sbom) as { readonly components: readonly unknown[] }).components.length,
  };
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}.img.zst`);
  await runTool("zstd", "-q", "-f", "-T0", "-6", image, "-o", path);
  await writeFile(`${path}.sha256`, `${await sha256(path)}  ${name}.img.zst\n`);
  await writeFile(join(folder, `${name}.manifest.json`), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await writeFile(join(folder, `${name}.sbom.cdx.json`), sbom);
  return { path, manifest };
}

interface Origin {
  readonly kind: Base["kind"];
  readonly name: string;
  readonly sha256: string;
  readonly groups: readonly string[];
  readonly backend: "networkd" | "networkmanager";
}

async function openBase(
  { board, base }: Pick<BuildOptions, "board" | "base">,
  { tree, folder }: Workshop,
  boot: string,
): Promise<Origin> {
  if (base === undefined) {
    if (board.debian === undefined)
      throw new Error(
        `${board.name} needs a root of its maker: --base FILE (see image/README.md for where it comes from).`,
      );
    const tar = await debianBase(board.architecture, board.debian);
    await unpackRoot(tar.path, tree);
    const origin = { kind: "debian", name: `debian-${tar.suite}`, sha256: await sha256(tar.path) } as const;
    return { ...origin, groups: [], backend: "networkd" };
  }
  switch (board.vendor?.kind) {
    case undefined:
      throw new Error(`${board.name} is made from Debian alone: it takes no --base.`);
    case "raspberry-pi-os":
      await openRaspberryPiOs(base, { boot, tree, folder });
      return {
        kind: "raspberry-pi-os",
        name: "raspberry-pi-os",
        sha256: await sha256(base),
        groups: ["raspberry_pi_os"],
        backend: "networkmanager",
      };
    case "l4t":
      await openL4t(base, tree);
      return {
        kind: "l4t",
        name: "l4t",
        sha256: await sha256(base),
        groups: [],
        backend: "networkmanager",
      };
  }
}

async function makeParts(
  board: Board,
  { tree, folder }: Workshop,
  boot: string,
  identity: Identity,
): Promise<readonly Part[]> {
  const slotSize = await slotMebibytes(tree);
  const sizes = { boot: board.chain === "uefi" ? 64 : 256, slot: slotSize, data: 1024 };
  const [fat, slot, data] = [
    join(folder, "boot.fat"),
    join(folder, "root-a.ext4"),
    join(folder, "data.ext4"),
  ];
  const mke2fs = await openMke2fs(identity);
  await makeFat(boot, fat, sizes.boot * mebibyte, identity);
  await makeSlot(tree, slot, sizes.slot * mebibyte, identity, mke2fs);
  await makeData(folder, data, sizes.data * mebibyte, identity, mke2fs);
  await rm(tree, { recursive: true });
  return [
    { name: "boot", size: sizes.boot * mebibyte, file: fat },
    { name: "root-a", size: sizes.slot * mebibyte, file: slot },
    { name: "root-b", size: sizes.slot * mebibyte },
    { name: "data", size: sizes.data * mebibyte, file: data },
  ];
}

/** A slot for a root: the same for all of ours, and larger for a maker's that would not go in, with an eighth to spare. */
async function slotMebibytes(tree: string): Promise<number> {
  const used = Number((await runTool("du", "-s", "--apparent-size", "-B1M", tree)).split("\t")[0]);
  return Math.max(2048, Math.ceil((used * 1.125) / 256) * 256);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await stat(path);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

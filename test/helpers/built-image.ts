import { execFile } from "node:child_process";
import { access, readFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { checkout } from "../../image/deb/tools.ts";
import { cacheFolder } from "../../image/disk/base.ts";
import { findBoard } from "../../image/disk/boards.ts";
import { buildImage } from "../../image/disk/build.ts";
import type { Manifest } from "../../image/disk/build.ts";

const run = promisify(execFile);

/** What goes into an image, besides what its base is. */
const inputs = [
  ...["ansible", "hardware-profiles", "image", "package-lock.json", "src", "systemd"],
  ":!image/README.md", // for people who build
];

/** Where there is not even a Debian root yet, milliseconds: for the hook that asks for an image. */
export const buildLimitMs = 3_600_000;

export interface TestImage {
  /** The packed image. */
  readonly packed: string;
  readonly manifest: Manifest;
}

/**
 * The image of a board as the files of the checkout make it: built when one of them has changed, which takes minutes, and
 * then kept in the cache. Its playbook has run twice, and the second run has changed nothing.
 */
export async function builtImage(name: string): Promise<TestImage> {
  const { stdout } = await run("sh", [
    "-euc",
    'cd "$1" && shift && git ls-files -z "$@" | xargs -0 sha256sum | sha256sum',
    "sh",
    checkout,
    ...inputs,
  ]);
  const prefix = `built-${name}-`;
  const folder = join(cacheFolder, `${prefix}${stdout.slice(0, 16)}`);
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    const made = `${folder}.${process.pid}`;
    await buildImage({ board: findBoard(name), base: undefined, folder: made, twice: true });
    await rename(made, folder);
    for (const other of await readdir(cacheFolder))
      if (other.startsWith(prefix) && join(cacheFolder, other) !== folder)
        await rm(join(cacheFolder, other), { recursive: true });
  }
  const manifest = await readFile(join(folder, `spotlive-${name}.manifest.json`), "utf8");
  return {
    packed: join(folder, `spotlive-${name}.img.zst`),
    manifest: JSON.parse(manifest) as Manifest,
  };
}

/** Unpacks an image to a file that takes only the place of what is in it. */
export async function unpackImage({ packed }: TestImage, to: string): Promise<void> {
  await run("zstd", ["-q", "-d", "-f", "--sparse", packed, "-o", to]);
}

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../deb/tools.ts";

/** A folder for one build, on a disk and not in memory; gone at disposal. */
export interface Workshop extends AsyncDisposable {
  readonly folder: string;
  /** The root that is being made. */
  readonly tree: string;
}

export async function openWorkshop(): Promise<Workshop> {
  const folder = await mkdtemp("/var/tmp/spotlive-image-");
  const tree = join(folder, "tree");
  await mkdir(tree);
  return {
    folder,
    tree,
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Unpacks a root as it was, with owners and capabilities; device files are the device's business. */
export async function unpackRoot(tar: string, tree: string): Promise<void> {
  const attributes = ["--numeric-owner", "--xattrs", "--xattrs-include=*"];
  const devices = ["--anchored", "--exclude=./dev/*", "--exclude=dev/*"];
  await runTool("tar", "-xf", tar, "-C", tree, ...attributes, ...devices);
}

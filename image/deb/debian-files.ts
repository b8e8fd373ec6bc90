import { mkdir } from "node:fs/promises";
import type { Architecture } from "./node.ts";
import { runTool } from "./tools.ts";

/** The release of Debian that everything is made from. */
export const suite = "trixie";

/** What Debian calls a machine's kind in paths and in names of compilers. */
export const triplets: Readonly<Record<Architecture, string>> = {
  amd64: "x86_64-linux-gnu",
  arm64: "aarch64-linux-gnu",
};

/**
 * Puts the files of Debian's packages and of all that these depend on into an empty folder, which is made
 * where there is none. Nothing of them is run. Rejects where mmdebstrap is missing.
 */
export async function takeDebianFiles(
  architecture: Architecture,
  packages: readonly string[],
  root: string,
  from = suite,
): Promise<void> {
  await mkdir(root, { recursive: true });
  await runTool(
    "mmdebstrap",
    "--quiet",
    `--architectures=${architecture}`,
    "--variant=extract",
    `--include=${packages.join(",")}`,
    "--format=directory",
    from,
    root,
  );
}

import { join } from "node:path";
import { runTool } from "../deb/tools.ts";
import type { Architecture } from "../deb/node.ts";
import type { Identity, Mke2fs } from "./filesystems.ts";

/** How this machine runs a program that belongs to a root of an architecture. */
function runnerOf(tree: string, architecture: Architecture): readonly [string, ...string[]] {
  switch (architecture) {
    case "arm64":
      return ["qemu-aarch64-static", "-L", tree];
    case "amd64": {
      const libraries = join(tree, "usr/lib/x86_64-linux-gnu");
      return [join(tree, "usr/lib64/ld-linux-x86-64.so.2"), "--library-path", libraries];
    }
  }
}

/**
 * The image's own mke2fs, run on this machine: the one of Debian 12 writes the times of the build into the file system,
 * newer ones the times of the files and SOURCE_DATE_EPOCH.
 */
export function mke2fsOf(tree: string, architecture: Architecture, { time }: Identity): Mke2fs {
  const program = [...runnerOf(tree, architecture), join(tree, "usr/sbin/mke2fs")];
  return async (options, from, file) => {
    await runTool(
      "env",
      `SOURCE_DATE_EPOCH=${time}`,
      ...program,
      "-q",
      "-F",
      "-t",
      "ext4",
      ...options,
      "-d",
      from,
      file,
    );
  };
}

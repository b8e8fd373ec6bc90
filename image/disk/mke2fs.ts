import { access, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { suite, takeDebianFiles } from "../deb/debian-files.ts";
import type { Architecture } from "../deb/node.ts";
import { runTool } from "../deb/tools.ts";
import { cacheFolder } from "./base.ts";
import type { Identity, Mke2fs } from "./filesystems.ts";

const hosts = {
  x64: { architecture: "amd64", loader: "usr/lib64/ld-linux-x86-64.so.2", libraries: "x86_64-linux-gnu" },
  arm64: { architecture: "arm64", loader: "usr/lib/ld-linux-aarch64.so.1", libraries: "aarch64-linux-gnu" },
} as const;

/**
 * The mke2fs of the image's own suite, for this machine: the one of Debian 12 writes the times of the build into a file
 * system, newer ones those of the files and SOURCE_DATE_EPOCH.
 */
export async function openMke2fs({ time }: Identity): Promise<Mke2fs> {
  const host = process.arch === "arm64" ? hosts.arm64 : hosts.x64;
  const root = join(cacheFolder, `e2fsprogs-${suite}-${host.architecture}`);
  const isThere = await access(root).then(
    () => true,
    () => false,
  );
  if (!isThere) await fetchTools(root, host.architecture);
  const libraries = join(root, "usr/lib", host.libraries);
  const program = [join(root, host.loader), "--library-path", libraries, join(root, "usr/sbin/mke2fs")];
  return async (options, from, file) => {
    const argv = ["-q", "-F", "-t", "ext4", ...options, "-d", from, file];
    await runTool("env", `SOURCE_DATE_EPOCH=${time}`, ...program, ...argv);
  };
}

async function fetchTools(root: string, architecture: Architecture): Promise<void> {
  const made = `${root}.${process.pid}`;
  try {
    await takeDebianFiles(architecture, ["e2fsprogs"], made);
    await rename(made, root);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

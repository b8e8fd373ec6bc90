import { access, writeFile } from "node:fs/promises";
import type { Architecture } from "../deb/node.ts";
import { runTool } from "../deb/tools.ts";

const folder = "/proc/sys/fs/binfmt_misc";

/**
 * How the kernel knows a program for 64-bit ARM (ELF, little endian, machine 0xb7; admin-guide/binfmt-misc), and that it
 * opens the emulator now (F), so that a root without it can be entered.
 */
const rule =
  String.raw`:qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00` +
  String.raw`:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff` +
  ":/usr/bin/qemu-aarch64-static:POF";

const hosts: Readonly<Partial<Record<NodeJS.Architecture, Architecture>>> = { x64: "amd64", arm64: "arm64" };

/**
 * Lets this machine run the programs of an architecture: systemd does so when it starts, a machine without it never. Holds
 * until the machine is switched off. Rejects with why not.
 */
export async function ensureRuns(architecture: Architecture): Promise<void> {
  if (hosts[process.arch] === architecture) return;
  if (architecture !== "arm64")
    throw new Error(`This ${process.arch} machine cannot run the programs of an ${architecture} image.`);
  const isThere = async (name: string): Promise<boolean> =>
    access(`${folder}/${name}`).then(
      () => true,
      () => false,
    );
  if (await isThere("qemu-aarch64")) return;
  try {
    if (!(await isThere("register"))) await runTool("mount", "-t", "binfmt_misc", "binfmt_misc", folder);
    await writeFile(`${folder}/register`, rule);
  } catch (error) {
    throw new Error(
      "The kernel does not take qemu-aarch64-static for arm64 programs (binfmt_misc, as root): an arm64 image cannot be built here. generic-amd64 can.",
      { cause: error },
    );
  }
}

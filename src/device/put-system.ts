import { readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { toFault } from "../domain/fault.ts";
import { readFileIfThere, writeFileAtomic } from "../lib/atomic-file.ts";
import { madeBySpotlive } from "./network-files.ts";
import { runSystemProgram } from "./system-program.ts";

/** What is told to a kernel that runs already. */
export interface RunningKernel {
  setHostname(name: string): Promise<void>;
  /** Two capital letters: which radio channels are allowed. */
  setCountry(country: string): Promise<void>;
}

/** This machine's. */
export const thisKernel: RunningKernel = {
  async setHostname(name) {
    // Not by /proc/sys, which containers have read-only.
    await runSystemProgram("hostname", [name], "giving the device its name");
  },
  async setCountry(country) {
    await runSystemProgram("iw", ["reg", "set", country], "choosing the country's WiFi channels");
  },
};

/** Folders that the system reads, with the part of a generation's `system/` that belongs there. */
const folders = [
  { from: "modprobe.d/", to: "etc/modprobe.d", mode: 0o644, own: /^spotlive-wifi\.conf$/ },
  { from: "nftables.d/", to: "etc/nftables.d", mode: 0o644, own: /^spotlive\.nft$/ },
  // Not kept over power-off: what another boot file asked for must not stay.
  { from: "network/", to: "run/systemd/network", mode: 0o644, own: /^\d+-spotlive-/ },
  { from: "wpa_supplicant/", to: "etc/wpa_supplicant", mode: 0o600, own: /^wpa_supplicant-.*\.conf$/ },
  // There alone does NetworkManager before 1.20 look, as in JetPack 4.
  {
    ...{ from: "system-connections/", to: "etc/NetworkManager/system-connections", mode: 0o600 },
    own: /^spotlive-/,
  },
] as const;

/**
 * Puts files where the system below `root` reads them, and takes away what an earlier boot file brought: name, time zone,
 * links, WiFi, modules. `files`: by their paths in `system/`. Never rejects: gives what could not be done, in sentences.
 */
export async function putSystem(
  root: string,
  files: ReadonlyMap<string, Buffer>,
  kernel: RunningKernel,
): Promise<readonly string[]> {
  const problems: string[] = [];
  const attempt = async (what: string, act: () => Promise<void>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      problems.push(`${what} could not be put in place: ${toFault(error).message}`);
    }
  };
  const textOf = (path: string): string => files.get(path)?.toString("utf8").trim() ?? "";
  const [hostname, zone] = [textOf("hostname"), textOf("timezone")];
  if (hostname !== "") {
    await attempt("The device's name", () => putHostname(root, hostname));
    await attempt("The device's name", () => kernel.setHostname(hostname));
  }
  if (zone !== "") await attempt("The time zone", () => putTimeZone(root, zone));
  for (const { from, to, mode, own } of folders) {
    const wanted = new Map(
      [...files].flatMap(([path, content]) =>
        path.startsWith(from) ? [[path.slice(from.length), content] as const] : [],
      ),
    );
    await attempt(`/${to}`, () => putFolder(join(root, to), wanted, mode, own));
  }
  const country = /regdom=([A-Z]{2})/.exec(textOf("modprobe.d/spotlive-wifi.conf"))?.[1];
  const isLoaded = country !== undefined && (await isThere(join(root, "sys/module/cfg80211")));
  if (isLoaded) await attempt("The country's WiFi channels", () => kernel.setCountry(country));
  return problems;
}

async function putHostname(root: string, hostname: string): Promise<void> {
  await putFile(join(root, "etc/hostname"), `${hostname}\n`, 0o644);
  const hosts = join(root, "etc/hosts");
  const known = await readFileIfThere(hosts);
  // Debian's line for the own name: sudo and others look it up.
  if (known !== undefined)
    await putFile(hosts, known.replace(/^127\.0\.1\.1\s.*$/m, `127.0.1.1 ${hostname}`), 0o644);
}

async function putTimeZone(root: string, zone: string): Promise<void> {
  await readFile(join(root, "usr/share/zoneinfo", zone));
  await putFile(join(root, "etc/timezone"), `${zone}\n`, 0o644);
  const link = join(root, "etc/localtime");
  await rm(`${link}.new`, { force: true });
  await symlink(`../usr/share/zoneinfo/${zone}`, `${link}.new`);
  await rename(`${link}.new`, link);
}

async function putFolder(
  folder: string,
  wanted: ReadonlyMap<string, Buffer>,
  mode: number,
  own: RegExp,
): Promise<void> {
  for (const [name, content] of wanted) await putFile(join(folder, name), content, mode);
  const names = await readdir(folder).catch(() => []);
  for (const name of names)
    if (own.test(name) && !wanted.has(name) && (await isOurs(join(folder, name))))
      await rm(join(folder, name));
}

/** A module's options have no line that says so, but a name that nobody else gives. */
async function isOurs(path: string): Promise<boolean> {
  return path.endsWith("/spotlive-wifi.conf") || (await readFile(path, "utf8")).startsWith(madeBySpotlive);
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Where the root is a real disk, it is not written for what it has already. */
async function putFile(path: string, content: string | Buffer, mode: number): Promise<void> {
  const before = await readFile(path).catch(() => undefined);
  if (before?.equals(Buffer.from(content)) !== true) await writeFileAtomic(path, content, { mode });
}

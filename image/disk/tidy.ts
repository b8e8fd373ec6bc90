import { readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What a build leaves in a root and no device needs, or what would make two of them the same. */
const leftovers = [
  ...["etc/resolv.conf", "etc/.pwd.lock", "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-"],
  ...["etc/subuid-", "etc/subgid-", "root/.ansible", "root/.cache", "root/.bash_history"],
  ...["var/cache/ldconfig/aux-cache", "var/lib/dbus/machine-id", "var/lib/systemd/random-seed"],
  ...["var/lib/dpkg/status-old", "var/lib/dpkg/diversions-old", "var/lib/dpkg/statoverride-old"],
  ...["var/lib/apt/extended_states.old", "var/cache/apt/pkgcache.bin", "var/cache/apt/srcpkgcache.bin"],
];
/** Folders whose files are of one build; the folders themselves stay. */
const emptied = [
  "var/cache/spotlive-package",
  "tmp",
  "var/tmp",
  "var/log",
  "var/lib/apt/lists",
  "var/cache/apt/archives",
  "run",
  // The boot partition comes over it.
  "boot/firmware",
];

/** In nanoseconds since 1970: later than any file of /usr. */
const farFuture = "9000000000000000000";

/** Takes out of a root what belongs to the build, and gives it the way to its own resolver. */
export async function tidy(tree: string, backend: "networkd" | "networkmanager"): Promise<void> {
  for (const path of leftovers) await rm(join(tree, path), { recursive: true, force: true });
  for (const folder of emptied)
    for (const name of await readdir(join(tree, folder)).catch((): readonly string[] => []))
      await rm(join(tree, folder, name), { recursive: true, force: true });
  const resolver = {
    networkd: "/run/systemd/resolve/stub-resolv.conf",
    networkmanager: "/run/NetworkManager/resolv.conf",
  }[backend];
  await symlink(resolver, join(tree, "etc/resolv.conf"));
  // What systemd makes anew after an update of /usr (systemd-update-done.service(8)) is in the image already.
  for (const folder of ["etc", "var"])
    await writeFile(join(tree, folder, ".updated"), `TIMESTAMP_NSEC=${farFuture}\n`);
  await settleShadow(join(tree, "etc/shadow"));
}

/** The day on which a password was last changed is the day of the build (shadow(5)): none has a password. */
async function settleShadow(path: string): Promise<void> {
  const lines = (await readFile(path, "utf8")).split("\n");
  const settled = lines.map((line) => {
    const [name, password, , ...rest] = line.split(":");
    return rest.length === 0 ? line : [name, password, "1", ...rest].join(":");
  });
  await writeFile(path, settled.join("\n"));
}

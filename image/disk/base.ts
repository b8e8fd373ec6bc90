import { createHash } from "node:crypto";
import { access, mkdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { suite } from "../deb/debian-files.ts";
import { checkout } from "../deb/tools.ts";
import type { Architecture } from "../deb/node.ts";
import type { Board } from "./boards.ts";
import { ensureRuns } from "./emulation.ts";
import { runAloud, say } from "./shell.ts";

/** What an image takes besides what the roles of the playbook install: to boot, and for Ansible. */
const bootPackages = ["busybox-static", "dbus", "kmod", "python3", "python3-apt", "systemd-sysv", "udev"];

/** Where what takes long to make is kept for the next time. */
export const cacheFolder = join(homedir(), ".cache/spotlive/image");

export interface BaseTar {
  readonly path: string;
  /** Changes with what is asked for, not with what the archive has on a day. */
  readonly key: string;
  readonly suite: string;
}

/**
 * A Debian root with everything that the roles install, as a tar file; made once, for minutes, and then taken from the
 * cache. Without the initial RAM disks of its kernels, which take longest of all under emulation and which we make ourselves.
 */
export async function debianBase(
  architecture: Architecture,
  debian: NonNullable<Board["debian"]>,
): Promise<BaseTar> {
  const packages = [...new Set([...bootPackages, ...(await rolePackages()), ...debian.packages])].toSorted();
  const wanted = { suite, architecture, packages, backports: debian.backports };
  const key = createHash("sha256").update(JSON.stringify(wanted)).digest("hex").slice(0, 16);
  const path = join(cacheFolder, `${suite}-${architecture}-${key}.tar`);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    await ensureRuns(architecture);
    say(`Making a Debian ${suite} root for ${architecture}: once, some minutes ...`);
    await mkdir(cacheFolder, { recursive: true });
    const made = `${path}.${process.pid}`;
    try {
      await runAloud(["mmdebstrap", ...mmdebstrapArguments(wanted), suite, made], {
        environment: { INITRD: "No", SOURCE_DATE_EPOCH: "0" },
      });
      await rename(made, path);
    } finally {
      await rm(made, { force: true });
    }
  }
  return { path, key, suite };
}

export interface Wanted {
  readonly architecture: Architecture;
  readonly packages: readonly string[];
  readonly backports: readonly string[];
}

/** What mmdebstrap(1) is told, besides the suite and where the tar file goes. */
export function mmdebstrapArguments({ architecture, packages, backports }: Wanted): readonly string[] {
  const quoted = backports.join(" ");
  return [
    "--quiet",
    "--format=tar",
    "--variant=minbase",
    `--architectures=${architecture}`,
    "--components=main,non-free-firmware",
    `--include=${packages.join(",")}`,
    '--aptopt=APT::Install-Recommends "false"',
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*/examples/*",
    ...(backports.length === 0
      ? []
      : [
          // The same archive as the suite's, wherever that is here.
          `--customize-hook=sed -n 's/ ${suite} / ${suite}-backports /p' "$1/etc/apt/sources.list" > "$1/etc/apt/sources.list.d/backports.list"`,
          // With the root's own programs: this machine's apt would call this machine's dpkg, and install here.
          '--customize-hook=chroot "$1" apt-get update',
          `--customize-hook=chroot "$1" apt-get install --yes --no-install-recommends -t ${suite}-backports ${quoted}`,
        ]),
  ];
}

/** What the roles install on Debian, from their own defaults. */
async function rolePackages(): Promise<readonly string[]> {
  const read = async (role: string): Promise<Readonly<Record<string, unknown>>> =>
    parse(await readFile(join(checkout, `ansible/roles/${role}/defaults/main.yml`), "utf8")) as Readonly<
      Record<string, unknown>
    >;
  const [base, network, media, hardening] = await Promise.all(
    ["base", "network", "media", "hardening"].map(read),
  );
  const links = network?.["network_packages"] as Readonly<Record<string, unknown>> | undefined;
  const lists = [
    base?.["base_packages"],
    links?.["networkd"],
    media?.["media_packages"],
    hardening?.["hardening_packages"],
  ];
  return lists.flatMap((list) => (Array.isArray(list) ? (list as readonly string[]) : []));
}

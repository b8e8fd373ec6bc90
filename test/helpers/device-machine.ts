import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { packDeb } from "../../image/deb/pack.ts";
import { checkout } from "../../image/deb/tools.ts";
import { debianBase } from "../../image/disk/base.ts";
import { findBoard } from "../../image/disk/boards.ts";
import { openWorkshop, unpackRoot } from "../../image/disk/tree.ts";
import type { Workshop } from "../../image/disk/tree.ts";
import { ffmpeg } from "./collect.ts";
import { startMachine } from "./nspawn.ts";
import type { Machine } from "./nspawn.ts";

const run = promisify(execFile);

/** For the runner of GStreamer, with codecs in software. */
const gstreamer = ["plugins-base", "plugins-good", "plugins-bad", "plugins-ugly", "libav"].map(
  (name) => `gstreamer1.0-${name}`,
);

/**
 * A Debian root with the package, GStreamer and nothing else of ours, and a film in /srv that no service takes as it is.
 */
export async function makeTree(): Promise<Workshop> {
  const board = findBoard("generic-amd64");
  if (board.debian === undefined) throw new Error("generic-amd64 is made from Debian.");
  const workshop = await openWorkshop();
  const { folder, tree } = workshop;
  const packages = [...board.debian.packages, ...gstreamer];
  const base = await debianBase(board.architecture, { ...board.debian, packages });
  await unpackRoot(base.path, tree);
  const { architecture } = board;
  const deb = await packDeb({ architecture, folder, compression: "none", gstreamer: true });
  await cp(deb, join(tree, "spotlive.deb"));
  await run("chroot", [tree, "dpkg", "--install", "/spotlive.deb"], { env: { PATH: "/usr/sbin:/usr/bin" } });
  await rm(join(tree, "spotlive.deb"));
  const film = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30", "-t", "4", "-pix_fmt", "yuv444p"];
  await ffmpeg([...film, "-c:v", "libx264", "-g", "30", "-bf", "0", join(tree, "srv/film.mp4")]);
  return workshop;
}

/** The two partitions of a device, which outlive its power. */
export interface DeviceDisk extends AsyncDisposable {
  readonly data: string;
  /** Puts a file onto the boot partition, while the power is off. */
  put(name: string, text: string): Promise<void>;
  /** Reads a file of the boot partition, while the power is off; undefined where there is none. */
  read(name: string): Promise<string | undefined>;
  /** Switches the power on. */
  start(tree: string, files?: Readonly<Record<string, string>>): Promise<Machine>;
}

export async function makeDeviceDisk(): Promise<DeviceDisk> {
  const folder = await mkdtemp("/var/tmp/spotlive-disk-");
  const [data, boot] = [join(folder, "data"), join(folder, "boot.img")];
  await mkdir(join(data, "spotlive"), { recursive: true });
  // Not FAT, which not every kernel here knows.
  await run("mke2fs", ["-q", "-t", "ext4", boot, "16M"]);
  const debugfs = (command: string): Promise<unknown> => run("debugfs", ["-w", "-R", command, boot]);
  return {
    data,
    async put(name, text) {
      await writeFile(join(folder, name), text);
      await debugfs(`rm ${name}`);
      await debugfs(`write ${join(folder, name)} ${name}`);
      await rm(join(folder, name));
    },
    async read(name) {
      const path = join(folder, name);
      await run("debugfs", ["-R", `dump ${name} ${path}`, boot]);
      const text = await readFile(path, "utf8").catch(() => undefined);
      await rm(path, { force: true });
      return text;
    },
    async start(tree, files = {}) {
      const units = "etc/systemd/system";
      const device = (path: string): Promise<string> =>
        readFile(join(checkout, "systemd/device", path), "utf8");
      return startMachine({
        ...{ tree, boot, data },
        files: {
          [`${units}/spotlive.service.d/10-device.conf`]: await device("spotlive.service.d/10-device.conf"),
          [`${units}/var-lib-spotlive.mount`]: await device("var-lib-spotlive.mount"),
          ...files,
        },
        enable: ["spotlive-adopt.service", "spotlive.service", "spotlive-boot-report.path"],
      });
    },
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { takeDebianFiles } from "../../image/deb/debian-files.ts";
import { home } from "../../image/deb/layout.ts";
import { packDeb } from "../../image/deb/pack.ts";
import { ensureRuns } from "../../image/disk/emulation.ts";
import type { ToGstreamer } from "../../src/transcode/gstreamer-protocol.ts";
import { ffmpeg } from "../helpers/collect.ts";

const run = promisify(execFile);
const architecture = "arm64";
const reason = await ensureRuns(architecture).then(
  () => undefined,
  (error: unknown) => String(error),
);
if (reason !== undefined) console.warn(`The GStreamer add-on of a Jetson is not tested. ${reason}`);

/** A board's own codecs are not there, so x264 takes their place. */
const pipeline = [
  'videotestsrc num-buffers="30"',
  "video/x-raw, width=160, height=90",
  'x264enc tune="zerolatency"',
  "h264parse",
  "video/x-h264, stream-format=byte-stream",
  'fdsink fd="3"',
].join(" ! ");

async function countPictures(h264: Buffer): Promise<number> {
  const gray = ["-pix_fmt", "gray", "-f", "rawvideo", "pipe:1"];
  const pictures = await ffmpeg(["-f", "h264", "-i", "pipe:0", ...gray], h264);
  return pictures.length / (160 * 90);
}

describe.skipIf(reason !== undefined)("the add-on in the package of a Jetson", () => {
  let folder: string;
  /** A system that is older than what the add-on is compiled with. */
  let root: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "gstreamer-addon-"));
    root = join(folder, "root");
    const plugins = ["base", "bad", "ugly"].map((name) => `gstreamer1.0-plugins-${name}`);
    await takeDebianFiles(architecture, [...plugins, "libc-bin", "libstdc++6"], root, "bookworm");
    await mkdir(join(root, "proc"), { recursive: true });
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  async function unpack(options: { readonly ownLibc: boolean }): Promise<void> {
    const packed = join(folder, options.ownLibc ? "own-libc" : "plain");
    const deb = await packDeb({
      architecture,
      folder: packed,
      compression: "none",
      gstreamer: true,
      ...options,
    });
    await rm(join(root, home), { recursive: true, force: true });
    await run("dpkg-deb", ["-x", deb, join(packed, "tree")]);
    await rename(join(packed, "tree", home), join(root, home));
  }

  /** What the program of the GStreamer runner gives when it plays a pipeline in the root. */
  async function play(): Promise<Buffer> {
    const program = [`/${home}/bin/node`, `/${home}/src/transcode/gstreamer-child.ts`];
    const child = spawn("chroot", [root, ...program], {
      stdio: ["ignore", "ignore", "inherit", "pipe", "ipc"],
    });
    const ended = once(child, "exit");
    const output = buffer(child.stdio[3] as Readable);
    const [message] = await once(child, "message");
    expect(message).toEqual({ type: "loaded" });
    child.send({ type: "play", pipeline } satisfies ToGstreamer);
    await ended;
    return output;
  }

  it("encodes with GStreamer of an older system", async () => {
    await unpack({ ownLibc: false });
    expect(await countPictures(await play())).toBe(30);
  });

  it("asks for nothing that a system of 2018 has not", async () => {
    const addon = join(
      root,
      home,
      "node_modules/gstreamer-superficial/build/Release/gstreamer-superficial.node",
    );
    const { stdout } = await run("readelf", ["--version-info", "--wide", addon]);
    const versions = new Set(Array.from(stdout.matchAll(/Name: (\w+_[\d.]+)/g), ([, version]) => version));
    expect(versions).toEqual(new Set(["CXXABI_1.3", "CXXABI_1.3.9", "GLIBCXX_3.4", "GLIBC_2.17"]));
  });

  it("encodes beside a C library of its own, with libraries in a folder of the board's maker", async () => {
    await unpack({ ownLibc: true });
    const libraries = join(root, "usr/lib/aarch64-linux-gnu");
    await mkdir(join(libraries, "tegra"));
    for (const name of await readdir(libraries))
      if (/^lib(gstvideo|x264)/.test(name))
        await rename(join(libraries, name), join(libraries, "tegra", name));
    await mkdir(join(root, "etc/ld.so.conf.d"), { recursive: true });
    await writeFile(join(root, "etc/ld.so.conf"), "/usr/lib/aarch64-linux-gnu/tegra\n");
    // As Ubuntu 18.04 writes the list of libraries.
    await run("chroot", [root, "/sbin/ldconfig", "-c", "compat"]);
    expect(await countPictures(await play())).toBe(30);
  });
});

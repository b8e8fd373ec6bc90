import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleProgram } from "./bundle.ts";
import { renderConffiles, renderControl } from "./control.ts";
import { layOut, maintainerScripts } from "./layout.ts";
import { gatherCopyright } from "./licences.ts";
import { buildGstreamerAddon, noAddon } from "./gstreamer-addon.ts";
import { fetchNode } from "./node.ts";
import type { Architecture } from "./node.ts";
import { takeOwnLibc } from "./own-libc.ts";
import { runTool } from "./tools.ts";
import { takeInventory, writeTree } from "./tree.ts";
import { readBuild } from "./version.ts";
import { buildPage } from "../web/page.ts";

export const compressions = ["xz", "gzip", "none"] as const;

export interface PackOptions {
  readonly architecture: Architecture;
  /** Where the package goes. */
  readonly folder: string;
  readonly compression: (typeof compressions)[number];
  /** For a system whose C library is too old for Node.js: it gets its own. False where absent. */
  readonly ownLibc?: boolean;
  /** For a board whose codecs are reached through GStreamer: its add-on comes along. False where absent. */
  readonly gstreamer?: boolean;
}

/** Builds the Debian package and gives its path. The same commit gives the same bytes. */
export async function packDeb(options: PackOptions): Promise<string> {
  const { architecture, folder, compression, ownLibc = false, gstreamer = false } = options;
  const build = await readBuild();
  const work = await mkdtemp(join(tmpdir(), "spotlive-deb-"));
  try {
    const [fetched, bundle, page] = await Promise.all([
      fetchNode(architecture, join(work, "node")),
      bundleProgram(),
      buildPage(),
    ]);
    const { node, files: libraries } = ownLibc
      ? await takeOwnLibc(fetched, architecture, work)
      : { node: fetched, files: [] };
    const addon = gstreamer ? await buildGstreamerAddon(architecture, fetched, work) : noAddon;
    const root = join(work, "root");
    const copyright = await gatherCopyright([...bundle.inputs, ...page.inputs, ...addon.inputs], node);
    const product = await layOut({
      ...{ version: build.version, bundle: bundle.files, page: page.files },
      ...{ node, copyright },
    });
    const files = [...product, ...libraries, ...addon.files];
    await mkdir(root);
    await writeTree(root, files);
    const { md5sums, kibibytes } = await takeInventory(root, files);
    await writeTree(root, [
      {
        path: "DEBIAN/control",
        content: renderControl({ version: build.version, architecture, kibibytes, ownLibc, gstreamer }),
      },
      { path: "DEBIAN/md5sums", content: md5sums },
      { path: "DEBIAN/conffiles", content: renderConffiles(files.map(({ path }) => path)) },
      ...maintainerScripts,
    ]);
    await mkdir(folder, { recursive: true });
    const suffix = (ownLibc ? "_own-libc" : "") + (gstreamer ? "_gstreamer" : "");
    const deb = join(folder, `spotlive_${build.version}_${architecture}${suffix}.deb`);
    const flags = ["--root-owner-group", `-Z${compression}`, "--build"];
    // dpkg-deb writes no time into the archive that is later than this one.
    await runTool("env", `SOURCE_DATE_EPOCH=${build.time}`, "dpkg-deb", ...flags, root, deb);
    return deb;
  } finally {
    await rm(work, { recursive: true });
  }
}

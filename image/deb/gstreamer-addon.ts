import { cp, symlink } from "node:fs/promises";
import { join } from "node:path";
import { takeDebianFiles, triplets } from "./debian-files.ts";
import { home } from "./layout.ts";
import type { Architecture, NodeFiles } from "./node.ts";
import { checkout, runTool } from "./tools.ts";
import type { TreeFile } from "./tree.ts";

export interface GstreamerAddon {
  readonly files: readonly TreeFile[];
  /** What it was made from, by paths in the checkout. */
  readonly inputs: readonly string[];
}

export const noAddon: GstreamerAddon = { files: [], inputs: [] };

const name = "gstreamer-superficial";
const sources = [name, "nan"].map((name) => `node_modules/${name}`);
const libraries = ["libgstreamer1.0-dev", "libgstreamer-plugins-base1.0-dev"];
/** JetPack 4.6 has GLib 2.56 with GStreamer 1.14: newer headers would make calls of functions that are not in there. */
const oldestGlib = ["MIN_REQUIRED", "MAX_ALLOWED"].map((end) => `-DGLIB_VERSION_${end}=GLIB_VERSION_2_56`);

/**
 * Compiles GStreamer's add-on for a board, with the package's own recipe, a cross compiler and the headers of that Node.js.
 * What it asks for, GStreamer 1.14 and the C library of any system have. Rejects with the compiler's words; where the package
 * or the compiler is missing, too.
 */
export async function buildGstreamerAddon(
  architecture: Architecture,
  node: NodeFiles,
  folder: string,
): Promise<GstreamerAddon> {
  const [root, work] = [join(folder, "gstreamer"), join(folder, "addon")];
  await takeDebianFiles(architecture, libraries, root);
  // By these the C library's files name each other.
  for (const link of ["lib", "lib64"]) await symlink(`usr/${link}`, join(root, link));
  for (const source of sources) await cp(join(checkout, source), join(work, source), { recursive: true });
  const triplet = triplets[architecture];
  const environment = {
    CC: `${triplet}-gcc`,
    CXX: `${triplet}-g++`,
    AR: `${triplet}-ar`,
    CXXFLAGS: [`--sysroot=${root}`, ...oldestGlib].join(" "),
    LDFLAGS: `--sysroot=${root}`,
    PKG_CONFIG_SYSROOT_DIR: root,
    PKG_CONFIG_LIBDIR: `${root}/usr/lib/${triplet}/pkgconfig:${root}/usr/share/pkgconfig`,
    npm_config_nodedir: node.headers,
  };
  const settings = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
  const place = join(work, "node_modules", name);
  const target = { amd64: "x64", arm64: "arm64" }[architecture];
  await runTool("env", `--chdir=${place}`, ...settings, "npm", "run", "install", "--", `--arch=${target}`);
  return {
    files: ["package.json", `build/Release/${name}.node`].map((file) => ({
      path: `${home}/node_modules/${name}/${file}`,
      content: { from: join(place, file) },
    })),
    inputs: sources.map((source) => `${source}/package.json`),
  };
}

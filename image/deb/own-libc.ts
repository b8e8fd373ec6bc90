import { chmod, copyFile, readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { takeDebianFiles, triplets } from "./debian-files.ts";
import { home } from "./layout.ts";
import type { Architecture, NodeFiles } from "./node.ts";
import { runTool } from "./tools.ts";
import type { TreeFile } from "./tree.ts";

/** What Node.js is linked with (readelf -d), by the packages that it is in. */
const packages = ["libc6", "libgcc-s1", "libstdc++6"];
/** All of them: what else the process loads may ask for a part that Node.js does not, and parts of two versions do not mix. */
const libraries = /^(ld-linux-[\w-]+|lib[\w+]+)\.so\.\d+$/;

export interface OwnLibc {
  /** Node.js, asking for the libraries beside it and for no others. */
  readonly node: NodeFiles;
  readonly files: readonly TreeFile[];
}

/**
 * A C library of its own for Node.js, from Debian's packages: JetPack 4 has glibc 2.27, and Node.js wants 2.28. Nothing else
 * uses it, as no LD_LIBRARY_PATH is set: ffmpeg, its child, stays with the system's. GStreamer comes into a process of Node.js,
 * where the system's libraries, made for an older C library, run on this one. Rejects where mmdebstrap
 * or patchelf is missing.
 */
export async function takeOwnLibc(
  node: NodeFiles,
  architecture: Architecture,
  folder: string,
): Promise<OwnLibc> {
  const root = join(folder, "libc");
  await takeDebianFiles(architecture, packages, root);
  const from = join(root, "usr/lib", triplets[architecture]);
  const names = (await readdir(from)).filter((name) => libraries.test(name));
  const loader = names.find((name) => name.startsWith("ld-linux-"));
  if (loader === undefined) throw new Error(`Debian's libc6 for ${architecture} has no program loader.`);
  const binary = join(folder, "node-own-libc");
  await copyFile(node.binary, binary);
  await chmod(binary, 0o755);
  const place = `/${home}/lib`;
  await runTool(
    "patchelf",
    "--set-interpreter",
    `${place}/${loader}`,
    "--force-rpath",
    "--set-rpath",
    place,
    binary,
  );
  const files = names.map((name): TreeFile => ({
    path: `${home}/lib/${name}`,
    content: { from: join(from, name) },
    executable: name === loader,
  }));
  return { node: { ...node, binary }, files: [...files, ...(await copyrights(root))] };
}

/** They are under licences of their own, the GNU LGPL and the GPL with its exception for the run-time library. */
async function copyrights(root: string): Promise<readonly TreeFile[]> {
  const found: TreeFile[] = [];
  for (const name of packages) {
    const path = join(root, "usr/share/doc", name, "copyright");
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    if (isThere)
      found.push({
        path: `usr/share/doc/spotlive/copyright.${name}`,
        content: await readFile(path, "utf8"),
      });
  }
  return found;
}

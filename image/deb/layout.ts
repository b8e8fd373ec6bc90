import { readdir } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import type { NodeFiles } from "./node.ts";
import { checkout } from "./tools.ts";
import type { TreeFile } from "./tree.ts";
import type { PageFile } from "../web/page.ts";

/** Where the product is. In it, files have the names that they have in the checkout (`productFile`). */
export const home = "usr/lib/spotlive";
const documents = "usr/share/doc/spotlive";

const asIs = (path: string, file: string): TreeFile => ({ path, content: { from: join(checkout, file) } });

/** The files of a folder of the checkout that end so, in the same place below `target`. */
async function folderAsIs(target: string, folder: string, ending: string): Promise<readonly TreeFile[]> {
  const names = (await readdir(join(checkout, folder))).filter((name) => name.endsWith(ending));
  return names.toSorted().map((name) => asIs(`${target}/${folder}/${name}`, `${folder}/${name}`));
}

/** None is enabled by the package. */
const units = [
  "spotlive.service",
  "spotlive-adopt.service",
  "spotlive-boot-report.path",
  "spotlive-boot-report.service",
  "spotlive-uplinks.service",
];

/** What a device with a boot partition has besides the units: programs of theirs, and what is copied into /etc. */
async function deviceFiles(): Promise<readonly TreeFile[]> {
  const folder = "systemd/device";
  const entries = await readdir(join(checkout, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(checkout, join(parentPath, name)))
    .toSorted()
    .map((path) => ({ ...asIs(`${home}/${path}`, path), executable: !basename(path).includes(".") }));
}

export interface Contents {
  readonly version: string;
  readonly bundle: readonly TreeFile[];
  readonly page: readonly PageFile[];
  readonly node: NodeFiles;
  readonly copyright: string;
}

/** Everything that the package puts on a machine. */
export async function layOut({
  version,
  bundle,
  page,
  node,
  copyright,
}: Contents): Promise<readonly TreeFile[]> {
  const description = { name: "spotlive", version, type: "module", private: true };
  return [
    ...bundle.map((file) => ({ ...file, path: `${home}/${file.path}` })),
    ...page.map(({ path, contents }) => ({ path: `${home}/dist/web/${path}`, content: contents })),
    { path: `${home}/package.json`, content: `${JSON.stringify(description, undefined, 2)}\n` },
    { path: `${home}/bin/node`, content: { from: node.binary }, executable: true },
    // The program of a process of its own: Node takes the types off, as it does in the checkout.
    asIs(`${home}/src/transcode/gstreamer-child.ts`, "src/transcode/gstreamer-child.ts"),
    ...(await folderAsIs(home, "src/domain/spot", ".proto")),
    ...(await folderAsIs(home, "hardware-profiles", ".yaml")),
    asIs(`${home}/systemd/60-spotlive.conf`, "systemd/60-spotlive.conf"), // what `doctor --fix` puts into /etc
    asIs("usr/lib/sysctl.d/60-spotlive.conf", "systemd/60-spotlive.conf"),
    ...units.map((name) => asIs(`usr/lib/systemd/system/${name}`, `systemd/${name}`)),
    ...(await deviceFiles()),
    asIs("usr/lib/sysusers.d/spotlive.conf", "image/deb/files/sysusers.conf"),
    { ...asIs("usr/bin/spotlive", "image/deb/files/spotlive"), executable: true },
    asIs("etc/spotlive/spotlive.example.yaml", "src/config/spotlive.example.yaml"),
    asIs(`${documents}/README.md`, "README.md"),
    asIs(`${documents}/CHANGELOG.md`, "CHANGELOG.md"),
    ...(await folderAsIs(documents, "docs", ".md")),
    { path: `${documents}/copyright`, content: copyright },
  ];
}

/** What dpkg runs when the package comes and goes. */
export const maintainerScripts: readonly TreeFile[] = ["postinst", "prerm", "postrm"].map((name) => ({
  ...asIs(`DEBIAN/${name}`, `image/deb/files/${name}`),
  executable: true,
}));

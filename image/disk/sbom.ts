import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { bundleProgram } from "../deb/bundle.ts";
import { findComponents } from "../deb/copyright.ts";
import type { Lockfile } from "../deb/copyright.ts";
import { readNodePin } from "../deb/node.ts";
import { checkout } from "../deb/tools.ts";

interface Component {
  readonly type: "library" | "operating-system" | "application";
  readonly name: string;
  readonly version: string;
  readonly purl: string;
}

interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

/** The installed packages of a root, by dpkg's own book (deb822). Total: what is no package is left out. */
export function parseStatus(status: string): readonly DebianPackage[] {
  return status.split("\n\n").flatMap((stanza) => {
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}: (.+)$`, "m").exec(stanza)?.[1]?.trim();
    const [name, version, architecture] = [field("Package"), field("Version"), field("Architecture")];
    const isThere = field("Status") === "install ok installed";
    return isThere && name !== undefined && version !== undefined && architecture !== undefined
      ? [{ name, version, architecture }]
      : [];
  });
}

/**
 * Everything that is in an image, as CycloneDX 1.6 JSON: its distribution's packages, npm's in our bundle, Node.js. Rejects
 * when the root does not say whose it is.
 */
export async function renderSbom(
  tree: string,
  image: {
    readonly name: string;
    readonly version: string;
    readonly time: number;
  },
): Promise<string> {
  const packages = parseStatus(await readFile(join(tree, "var/lib/dpkg/status"), "utf8"));
  const { id, release } = await readDistribution(tree);
  const system = packages.map(({ name, version, architecture }) => ({
    type: "library" as const,
    name,
    version,
    purl: `pkg:deb/${id}/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&distro=${id}-${release}`,
  }));
  const lockfile = JSON.parse(await readFile(join(checkout, "package-lock.json"), "utf8")) as Lockfile;
  const npm = findComponents(lockfile, (await bundleProgram()).inputs).map(({ name, version, licence }) => ({
    type: "library" as const,
    name,
    version,
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    ...(licence !== undefined && { licenses: [{ expression: licence }] }),
  }));
  const node: Component = {
    type: "application",
    name: "node",
    version: (await readNodePin()).version,
    purl: `pkg:generic/node@${(await readNodePin()).version}`,
  };
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: new Date(image.time * 1000).toISOString(),
      component: { type: "operating-system", name: image.name, version: image.version },
    },
    components: [...system, ...npm, node],
  };
  return `${JSON.stringify(document, undefined, 1)}\n`;
}

/** Whose packages they are, by os-release(5). */
async function readDistribution(tree: string): Promise<{ readonly id: string; readonly release: string }> {
  const path = join(tree, "etc/os-release");
  const text = await readFile(path, "utf8");
  const value = (key: string): string | undefined =>
    new RegExp(`^${key}="?([\\w.-]+)"?$`, "m").exec(text)?.[1];
  const [id, release] = [value("ID"), value("VERSION_ID")];
  if (id !== undefined && release !== undefined) return { id, release };
  throw new Error(`${path}: expected ID and VERSION_ID, got ${JSON.stringify(text)}.`);
}

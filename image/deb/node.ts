import { mkdir, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { checkIntegrity } from "./integrity.ts";
import { checkout, runTool } from "./tools.ts";

/** The architectures by Debian's names. */
export const architectures = ["amd64", "arm64"] as const;
export type Architecture = (typeof architectures)[number];

type NodePin = Readonly<Record<Architecture, { readonly package: string; readonly integrity: string }>> & {
  readonly version: string;
};

export async function readNodePin(): Promise<NodePin> {
  return JSON.parse(await readFile(join(checkout, "image/node-pin.json"), "utf8")) as NodePin;
}

export interface NodeFiles {
  readonly version: string;
  /** The path of the program. */
  readonly binary: string;
  /** The folder in which add-ons find what they are compiled with (`include/node`). */
  readonly headers: string;
  /** The text of its licence and of those of everything in it. */
  readonly licence: string;
}

/** Fetches the pinned Node.js as its npm package, wherever npm is configured to find that, into a folder. */
export async function fetchNode(architecture: Architecture, folder: string): Promise<NodeFiles> {
  const { version, [architecture]: pin } = await readNodePin();
  const name = `${pin.package}@${version}`;
  await mkdir(folder, { recursive: true });
  const options = ["--prefer-offline", "--ignore-scripts", "--loglevel=error"];
  await runTool("npm", "pack", name, "--pack-destination", folder, ...options);
  const [file] = (await readdir(folder)).filter((file) => file.endsWith(".tgz"));
  if (file === undefined) throw new Error(`npm pack ${name} left no file.`);
  const archive = join(folder, file);
  checkIntegrity(name, await readFile(archive), pin.integrity);
  const wanted = ["package/bin/node", "package/LICENSE", "package/include"];
  await runTool("tar", "-xzf", archive, "-C", folder, "--no-same-owner", ...wanted);
  const [binary = "", licence = ""] = wanted.map((path) => join(folder, path));
  return { version, binary, headers: join(folder, "package"), licence: await readFile(licence, "utf8") };
}

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { findComponents, renderCopyright } from "./copyright.ts";
import type { Component, Lockfile } from "./copyright.ts";
import type { NodeFiles } from "./node.ts";
import { checkout } from "./tools.ts";

/** The copyright file of a product that was made from these files and that Node.js. */
export async function gatherCopyright(inputs: readonly string[], node: NodeFiles): Promise<string> {
  const lockfile = JSON.parse(await readFile(join(checkout, "package-lock.json"), "utf8")) as Lockfile;
  const components = findComponents(lockfile, inputs);
  const found = new Map<Component, string | undefined>();
  for (const component of components) found.set(component, await readLicence(component.folder));
  return renderCopyright(components, {
    own: await readFile(join(checkout, "LICENSE"), "utf8"),
    node: node.licence,
    nodeVersion: node.version,
    textOf: (component) => found.get(component),
  });
}

async function readLicence(folder: string): Promise<string | undefined> {
  const names = await readdir(join(checkout, folder));
  const wanted = names.filter((name) => /^(licen[cs]e|copying|notice)\b/i.test(name)).toSorted();
  if (wanted.length === 0) return undefined;
  const texts = await Promise.all(wanted.map((name) => readFile(join(checkout, folder, name), "utf8")));
  return texts.join("\n\n");
}

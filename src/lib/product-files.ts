import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";
import { Fault } from "../domain/fault.ts";

const description = findPackageJSON(import.meta.url);

/**
 * The path of a file that comes with the product, named as in the repository: "hardware-profiles", "src/spotlive.mjs".
 * An installed tree keeps those names, so that there is one way to find them from the sources and from a bundle: the
 * nearest package.json above this code says where both begin.
 */
export function productFile(path: string): string {
  if (description === undefined) throw new Fault("internal", "There is no package.json above the program.");
  return join(dirname(description), path);
}

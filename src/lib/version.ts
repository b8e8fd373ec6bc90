import { readFileSync } from "node:fs";
import { productFile } from "./product-files.ts";

/** spotlive's own version, as in package.json. */
export function readVersion(): string {
  const text = readFileSync(productFile("package.json"), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

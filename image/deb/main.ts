/** `npm run deb`: builds the Debian package of this checkout. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { architectures } from "./node.ts";
import type { Architecture } from "./node.ts";
import { compressions, packDeb } from "./pack.ts";
import { checkout, runTool } from "./tools.ts";

const { values } = parseArgs({
  options: {
    arch: { type: "string" },
    out: { type: "string", default: join(checkout, "dist") },
    compress: { type: "string", default: "xz" },
    "own-libc": { type: "boolean", default: false },
    gstreamer: { type: "boolean", default: false },
  },
});

function oneOf<Word extends string>(option: string, words: readonly Word[], given: string): Word {
  const word = words.find((word) => word === given);
  if (word === undefined)
    throw new Error(`--${option} takes one of ${words.join(", ")}, got ${JSON.stringify(given)}.`);
  return word;
}

async function ownArchitecture(): Promise<string> {
  return (await runTool("dpkg", "--print-architecture")).trim();
}

try {
  const architecture: Architecture = oneOf("arch", architectures, values.arch ?? (await ownArchitecture()));
  const compression = oneOf("compress", compressions, values.compress);
  const { "own-libc": ownLibc, gstreamer } = values;
  const deb = await packDeb({ architecture, folder: resolve(values.out), compression, ownLibc, gstreamer });
  const bytes = await readFile(deb);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  console.log(`${sha256}  ${relative(process.cwd(), deb)}  (${(bytes.length / 1e6).toFixed(1)} MB)`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

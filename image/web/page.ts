import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, extname, join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { checkout } from "../deb/tools.ts";

/** One file of the page. */
export interface PageFile {
  /** From the page's folder on: `index.html`, `assets/main-3FA9C2D1.js`. */
  readonly path: string;
  readonly contents: Uint8Array;
}

export interface BuiltPage {
  /** Every file, and beside each its `.br` and `.gz`. */
  readonly files: readonly PageFile[];
  /** Bytes that a browser fetches, compressed with brotli. */
  readonly compressedBytes: number;
  /** The files that went in, named from the checkout on. */
  readonly inputs: readonly string[];
}

const source = join(checkout, "src/web");
const hashLetters = 10;

/**
 * Bundles the dashboard of `src/web`. All but the page itself lies in `assets/` under names that hold a hash of what
 * is in them, so that browsers may keep them for ever.
 */
export async function buildPage(): Promise<BuiltPage> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: checkout,
    entryPoints: { main: "src/web/main.tsx", style: "src/web/style/main.css" },
    outdir: "assets",
    entryNames: "[name]-[hash]",
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    target: ["chrome111", "firefox115", "safari16.4"],
    tsconfig: "src/web/tsconfig.json",
    legalComments: "none",
    logLevel: "warning",
  });
  const assets = outputFiles.map(({ path, contents }) => ({
    path: `assets/${basename(path)}`,
    contents,
  }));
  const nameOf = (extension: string): string => {
    const found = assets.find(({ path }) => extname(path) === extension);
    if (found === undefined) throw new Error(`The bundle holds no ${extension} file.`);
    return `/${found.path}`;
  };
  const icon = hashed("icon.svg", await readFile(join(source, "icon.svg")));
  const manifest = hashed(
    "manifest.webmanifest",
    fill(await readFile(join(source, "manifest.webmanifest"), "utf8"), { icon: `/${icon.path}` }),
  );
  const index = fill(await readFile(join(source, "index.html"), "utf8"), {
    icon: `/${icon.path}`,
    manifest: `/${manifest.path}`,
    script: nameOf(".js"),
    style: nameOf(".css"),
  });
  const plain = [...assets, icon, manifest, { path: "index.html", contents: index }];
  const packed = plain.map(({ path, contents }) => ({ path: `${path}.br`, contents: brotli(contents) }));
  return {
    files: [
      ...plain,
      ...packed,
      ...plain.map(({ path, contents }) => ({
        path: `${path}.gz`,
        contents: gzipSync(contents, { level: 9 }),
      })),
    ],
    compressedBytes: packed.reduce((sum, { contents }) => sum + contents.length, 0),
    inputs: Object.keys(metafile.inputs).map((path) => relative(checkout, join(checkout, path))),
  };
}

function hashed(name: string, contents: Uint8Array): PageFile {
  const hash = createHash("sha256").update(contents).digest("hex").slice(0, hashLetters).toUpperCase();
  const extension = extname(name);
  return { path: `assets/${basename(name, extension)}-${hash}${extension}`, contents };
}

/** Puts the values into the places `{{name}}`. */
function fill(template: string, values: Readonly<Record<string, string>>): Uint8Array {
  const filled = template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`The page's template asks for an unknown ${name}.`);
    return value;
  });
  return new TextEncoder().encode(filled);
}

function brotli(contents: Uint8Array): Uint8Array {
  return brotliCompressSync(contents, {
    params: { [constants.BROTLI_PARAM_SIZE_HINT]: contents.length, [constants.BROTLI_PARAM_QUALITY]: 11 },
  });
}

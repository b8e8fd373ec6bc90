import { relative } from "node:path";
import { build } from "esbuild";
import type { BuildOptions } from "esbuild";
import { lazyPackages } from "./lazy-packages.ts";
import { checkout } from "./tools.ts";
import type { TreeFile } from "./tree.ts";

export interface Bundle {
  /** Named from the installed product's folder on. */
  readonly files: readonly TreeFile[];
  /** The files that went in, named from the checkout on. */
  readonly inputs: readonly string[];
}

const common = {
  absWorkingDir: checkout,
  outdir: checkout,
  bundle: true,
  write: false,
  metafile: true,
  platform: "node",
  target: "node24",
  logLevel: "warning",
} as const satisfies BuildOptions;

/** Packages written for CommonJS ask for Node's own modules with `require`, which a module does not have. */
const requireInModules =
  'import { createRequire as createRequireForBundle } from "node:module"; const require = createRequireForBundle(import.meta.url);';

/**
 * Bundles the program. What a verb or a surface loads when it is first used stays a file of its own, so that memory is
 * paid for as it is without a bundle. Names in the code stay as they are: a stack trace must be readable in a log.
 */
export async function bundleProgram(): Promise<Bundle> {
  const program = await build({
    ...common,
    entryPoints: { "src/spotlive": "src/spotlive.mjs" },
    format: "esm",
    splitting: true,
    chunkNames: "src/chunks/[name]-[hash]",
    outExtension: { ".js": ".mjs" },
    banner: { js: requireInModules },
    plugins: [lazyPackages],
  });
  // It is looked for by its name when ffmpeg is first started.
  const later = await build({
    ...common,
    entryPoints: { "node_modules/fluent-ffmpeg": "fluent-ffmpeg" },
    format: "cjs",
  });
  return {
    files: [...program.outputFiles, ...later.outputFiles].map(({ path, contents }) => ({
      path: relative(checkout, path),
      content: contents,
    })),
    inputs: [program, later].flatMap(({ metafile }) => usedInputs(metafile.outputs)),
  };
}

/** What is read only to see that nothing of it is used is not in the product. */
function usedInputs(
  outputs: Readonly<Record<string, { readonly inputs: Readonly<Record<string, unknown>> }>>,
): string[] {
  return Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
}

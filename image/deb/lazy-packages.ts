import type { Plugin } from "esbuild";
import { checkout } from "./tools.ts";

const namespace = "lazy-package";

/**
 * Lets `await import("a-package")` give the names that it gives without a bundle. esbuild gives a CommonJS package nothing but
 * `default` there; Node finds its names by reading it. So Node is asked for them, and each such import leads to a small
 * module that exports them one by one.
 */
export const lazyPackages: Plugin = {
  name: namespace,
  setup(build) {
    build.onResolve({ filter: /^[@a-z]/ }, ({ kind, path, namespace: from }) =>
      kind === "dynamic-import" && from !== namespace && !path.startsWith("node:")
        ? { path, namespace }
        : undefined,
    );
    build.onLoad({ filter: /./, namespace }, async ({ path }) => {
      const names = Object.keys((await import(path)) as object).filter((name) =>
        /^[A-Za-z_$][\w$]*$/.test(name),
      );
      return {
        contents: `export { ${names.join(", ")} } from ${JSON.stringify(path)};`,
        resolveDir: checkout,
      };
    });
  },
};

/** `npm run image`: builds the image of a board. */
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { checkout } from "../deb/tools.ts";
import { findBoard } from "./boards.ts";
import { buildImage } from "./build.ts";

const { values } = parseArgs({
  options: {
    board: { type: "string" },
    base: { type: "string" },
    twice: { type: "boolean", default: false },
    out: { type: "string", default: join(checkout, "dist/image") },
  },
});

try {
  const board = findBoard(values.board);
  const base = values.base === undefined ? undefined : resolve(values.base);
  const { path, manifest } = await buildImage({
    board,
    base,
    twice: values.twice,
    folder: resolve(values.out),
  });
  console.log(
    `${relative(process.cwd(), path)}: ${manifest.board} ${manifest.version}, ${manifest.packages} packages`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

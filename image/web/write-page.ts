import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { buildPage } from "./page.ts";
import type { BuiltPage } from "./page.ts";

/** Builds the dashboard into a folder that may be served meanwhile; what is left of an older one goes. */
export async function writePage(folder: string): Promise<BuiltPage> {
  const page = await buildPage();
  // The page itself comes last: whoever loads it finds all that it names.
  const files = page.files.toSorted((a, b) => Number(isIndex(a.path)) - Number(isIndex(b.path)));
  for (const { path, contents } of files) await replace(join(folder, path), contents);
  const wanted = new Set(files.map(({ path }) => path));
  const old = (await readdir(join(folder, "assets"))).filter(
    // What another build is writing at this moment ends otherwise.
    (name) => /\.(br|gz|js|css|svg|webmanifest)$/.test(name) && !wanted.has(`assets/${name}`),
  );
  for (const name of old) await rm(join(folder, "assets", name), { force: true });
  return page;
}

const isIndex = (path: string): boolean => path.startsWith("index.html");

async function replace(target: string, contents: Uint8Array): Promise<void> {
  const before = await readFile(target).catch(() => undefined);
  if (before?.equals(contents) === true) return;
  await mkdir(dirname(target), { recursive: true });
  const unfinished = `${target}.${process.pid}`;
  await writeFile(unfinished, contents);
  await rename(unfinished, target);
}

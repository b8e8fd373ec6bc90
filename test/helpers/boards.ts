import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The files of one recorded or reconstructed board. */
export function boardFixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/boards/${name}`, import.meta.url));
}

/** A folder with these files, removed at the end of the block. */
export async function temporaryFiles(
  files: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "board-"));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content, { mode: 0o755 });
  }
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

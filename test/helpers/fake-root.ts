import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A folder with the files of another machine. Disposal removes it. */
export interface FakeRoot extends AsyncDisposable {
  readonly directory: string;
  /** Writes files by their absolute path on that machine. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
  remove(path: string): Promise<void>;
}

export async function makeFakeRoot(files: Readonly<Record<string, string>> = {}): Promise<FakeRoot> {
  const directory = await mkdtemp(join(tmpdir(), "spotlive-root-"));
  const write = async (files: Readonly<Record<string, string>>): Promise<void> => {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), content);
    }
  };
  await write(files);
  return {
    directory,
    write,
    remove: (path) => rm(join(directory, path), { recursive: true, force: true }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readFileIfThere, writeFileAtomic } from "../../../src/lib/atomic-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atomic-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("writing a file atomically", () => {
  it("makes the folder, and a file that only its owner can read", async () => {
    const path = join(folder, "state", "desired.json");
    await writeFileAtomic(path, "live");
    expect(await readFileIfThere(path)).toBe("live");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("replaces what is there and leaves nothing beside it", async () => {
    const path = join(folder, "x");
    await writeFileAtomic(path, "a long first content");
    await writeFileAtomic(path, Buffer.from("b"), { mode: 0o644 });
    expect(await readFileIfThere(path)).toBe("b");
    expect((await stat(path)).mode & 0o777).toBe(0o644);
    expect(await readdir(folder)).toEqual(["x"]);
  });

  it("never shows a reader half a file, with many writers at once", async () => {
    const path = join(folder, "x");
    const contents = Array.from({ length: 20 }, (_, index) => String(index).repeat(10_000));
    await writeFileAtomic(path, contents[0] ?? "");
    const writing = Promise.all(contents.map((content) => writeFileAtomic(path, content)));
    for (let reads = 0; reads < 50; reads += 1) expect(contents).toContain(await readFileIfThere(path));
    await writing;
    expect(await readdir(folder)).toEqual(["x"]);
  });

  it("leaves the old file and no other when it fails", async () => {
    const path = join(folder, "taken");
    await mkdir(path);
    await expect(writeFileAtomic(path, "x")).rejects.toMatchObject({ code: "EISDIR" });
    expect(await readdir(folder)).toEqual(["taken"]);
  });

  it("gives undefined for a file that is not there, and the error for one that cannot be read", async () => {
    expect(await readFileIfThere(join(folder, "x"))).toBeUndefined();
    await expect(readFileIfThere(folder)).rejects.toMatchObject({ code: "EISDIR" });
  });
});

import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { takeInventory, writeTree } from "../../../image/deb/tree.ts";
import type { TreeFile } from "../../../image/deb/tree.ts";

let root: string;
let umask: number;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "tree-"));
  umask = process.umask(0o077);
});
afterEach(async () => {
  process.umask(umask);
  await rm(root, { recursive: true });
});

const files: readonly TreeFile[] = [
  { path: "usr/bin/b", content: "abc", executable: true },
  { path: "etc/a", content: new Uint8Array(1025) },
];

describe("the tree of a package", () => {
  it("has modes that owe nothing to the umask", async () => {
    await writeTree(root, [...files, { path: "usr/c", content: { from: import.meta.filename } }]);
    const modeOf = async (path: string): Promise<number> => (await stat(join(root, path))).mode & 0o7777;
    expect(await modeOf("usr/bin/b")).toBe(0o755);
    expect(await modeOf("etc/a")).toBe(0o644);
    expect(await modeOf("usr/c")).toBe(0o644);
    for (const folder of [".", "usr", "usr/bin", "etc"]) expect(await modeOf(folder), folder).toBe(0o755);
    expect(await readFile(join(root, "usr/bin/b"), "utf8")).toBe("abc");
  });

  it("is counted in whole kibibytes, and its sums are in the order of the paths", async () => {
    await writeTree(root, files);
    const { md5sums, kibibytes } = await takeInventory(root, files);
    expect(kibibytes).toBe(3);
    expect(md5sums).toMatch(/^[0-9a-f]{32} {2}etc\/a\n900150983cd24fb0d6963f7d28e17f72 {2}usr\/bin\/b\n$/);
  });
});

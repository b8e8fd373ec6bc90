import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readPageFile, takesEncoding } from "../../../../src/control/http/page-files.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "spotlive-page-"));
  await mkdir(join(folder, "assets"));
  await mkdir(join(folder, "assets", "folder.js"));
  await writeFile(join(folder, "secret.js"), "outside");
  await writeFile(join(folder, "assets", "app-1.js"), "plain");
  await writeFile(join(folder, "assets", "app-1.js.br"), "brotli");
  await writeFile(join(folder, "assets", "app-1.js.gz"), "gzip");
  await writeFile(join(folder, "assets", "icon.svg"), "plain");
  await writeFile(join(folder, "assets", "app-1.js.map"), "no page's kind");
});
afterAll(() => rm(folder, { recursive: true }));

const read = async (name: string, accept?: string): Promise<string | undefined> => {
  const file = await readPageFile(join(folder, "assets"), name, accept);
  return file && `${file.content.toString()} ${file.encoding ?? "-"} ${file.type.split(";")[0]}`;
};

describe("a file of the page", () => {
  it.each([
    ["app-1.js", undefined, "plain - text/javascript"],
    ["app-1.js", "gzip, deflate, br", "brotli br text/javascript"],
    ["app-1.js", "br;q=0, gzip", "gzip gzip text/javascript"],
    ["app-1.js", "identity", "plain - text/javascript"],
    ["icon.svg", "br, gzip", "plain - image/svg+xml"],
    ["app-2.js", "br", undefined],
    ["app-1.js.br", undefined, undefined],
    ["app-1.js.map", undefined, undefined],
    ["folder.js", "br", undefined],
    ["../secret.js", undefined, undefined],
    ["..", undefined, undefined],
    [".js", undefined, undefined],
    ["", undefined, undefined],
    ["app-1.js\0.js", undefined, undefined],
    ["a".repeat(300) + ".js", undefined, undefined],
  ])("%j is found for a browser that takes %j as %j", async (name, accept, expected) => {
    expect(await read(name, accept)).toBe(expected);
  });

  it("is never one from outside of its folder", async () => {
    const part = fc.oneof(fc.constantFrom("..", "/", "\\", "secret.js", "assets", "%2e", "\0"), fc.string());
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), async (parts) => {
        for (const name of [parts.join(""), parts.join("/"), `../${parts.join("/")}/secret.js`])
          expect((await read(name)) ?? "").not.toContain("outside");
      }),
    );
  });
});

describe("the header Accept-Encoding", () => {
  it.each([
    ["br", true],
    ["gzip, BR;q=0.5", true],
    ["*", true],
    ["*;q=0", false],
    ["br;q=0", false],
    ["br; q=0.000, *", false],
    ["br;q=x", false],
    ["brotli", false],
    ["", false],
    [undefined, false],
  ])("%j takes brotli: %s", (header, taken) => {
    expect(takesEncoding(header, "br")).toBe(taken);
  });

  it("is read without a fault, whatever it says", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (header) => void takesEncoding(header, "br")));
  });
});

import { describe, expect, it } from "vitest";
import { findComponents, renderCopyright } from "../../../image/deb/copyright.ts";

const lockfile = {
  packages: {
    "": { version: "0.1.0", license: "MIT" },
    "node_modules/a": { version: "1.0.0", license: "MIT" },
    "node_modules/a/node_modules/@b/c": { version: "2.0.0", license: "Apache-2.0" },
    "node_modules/unused": { version: "4.0.0", license: "GPL-3.0" },
  },
};

describe("the components of a bundle", () => {
  it("are the packages that its files came from, once each, with the lockfile's versions and licences", () => {
    const inputs = ["src/cli.ts", "node_modules/a/x.js", "node_modules/a/node_modules/@b/c/lib/y.js"];
    expect(findComponents(lockfile, [...inputs, ...inputs])).toEqual([
      { name: "@b/c", version: "2.0.0", licence: "Apache-2.0", folder: "node_modules/a/node_modules/@b/c" },
      { name: "a", version: "1.0.0", licence: "MIT", folder: "node_modules/a" },
    ]);
  });

  it("are in the lockfile", () => {
    expect(() => findComponents(lockfile, ["node_modules/e/x.js"])).toThrow("node_modules/e");
  });
});

describe("the copyright file", () => {
  const one = { name: "a", version: "1.0.0", licence: "MIT", folder: "node_modules/a" };
  const other = { ...one, name: "b", licence: "ISC", folder: "node_modules/b" };
  const bare = { ...one, name: "z", licence: "0BSD", folder: "node_modules/z" };
  const text = renderCopyright([one, other, bare], {
    own: "OUR TERMS\n",
    node: "NODE'S TERMS",
    nodeVersion: "24.0.0",
    textOf: ({ name }) => (name === "z" ? undefined : "\r\nSAME TERMS\r\n"),
  });

  it("names every component, and gives each text once", () => {
    for (const title of ["a 1.0.0 (MIT)", "b 1.0.0 (ISC)", "z 1.0.0 (0BSD)"]) expect(text).toContain(title);
    expect(text.match(/SAME TERMS/g)).toHaveLength(1);
    expect(text).toContain("a 1.0.0 (MIT)\nb 1.0.0 (ISC)\n\nSAME TERMS");
    expect(text).toContain("NODE'S TERMS");
    expect(text).toContain("OUR TERMS");
  });

  it("is not written while the terms of a component are unknown", () => {
    const texts = { own: "", node: "", nodeVersion: "", textOf: () => undefined };
    expect(() => renderCopyright([{ ...one, licence: undefined }], texts)).toThrow("a 1.0.0");
  });

  it("says where a package brings no text", () => {
    expect(text).toContain("its package names the licence 0BSD");
  });
});

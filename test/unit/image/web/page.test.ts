import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { buildPage } from "../../../../image/web/page.ts";
import type { BuiltPage } from "../../../../image/web/page.ts";

const mostCompressedBytes = 150_000;

describe("the built page", () => {
  let page: BuiltPage;
  const textOf = (path: string): string =>
    new TextDecoder().decode(page.files.find((file) => file.path === path)?.contents);
  beforeAll(async () => {
    page = await buildPage();
  });

  it("is small enough for a slow line", () => {
    expect(page.compressedBytes).toBeLessThan(mostCompressedBytes);
  });

  it("lies beside itself in two compressed forms", () => {
    const plain = page.files.filter(({ path }) => !/\.(br|gz)$/.test(path));
    expect(page.files).toHaveLength(plain.length * 3);
    for (const { path, contents } of plain) {
      const packed = (ending: string): Uint8Array =>
        page.files.find((file) => file.path === path + ending)?.contents ?? new Uint8Array();
      expect(brotliDecompressSync(packed(".br")).equals(contents), path).toBe(true);
      expect(gunzipSync(packed(".gz")).equals(contents), path).toBe(true);
    }
  });

  it("names only files of its own, by names that hold a hash of what is in them", () => {
    const named = [...textOf("index.html").matchAll(/(?:href|src)="([^"]*)"/g)].map(([, name]) => name);
    const assets = page.files.map(({ path }) => `/${path}`);
    expect(named).toHaveLength(4);
    for (const name of named) {
      expect(assets).toContain(name);
      expect(name).toMatch(/^\/assets\/\w+-[0-9A-Z]{8,}\.\w+$/);
    }
  });

  it("has no script, style or handler in its text, which its policy would refuse", () => {
    const html = textOf("index.html");
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style|\sstyle=|\son\w+=/);
  });

  it("asks nobody else for anything", () => {
    for (const { path, contents } of page.files.filter(({ path }) => /\.(js|css|html)$/.test(path))) {
      const addresses = new TextDecoder().decode(contents).match(/https?:\/\/[\w.-]+/g) ?? [];
      // Names of XML vocabularies, which nothing is fetched from.
      expect(
        addresses.filter((address) => address !== "http://www.w3.org"),
        path,
      ).toEqual([]);
    }
  });

  it("is the same from the same sources", async () => {
    expect(await buildPage()).toEqual(page);
  });
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { renderSbom } from "../../image/disk/sbom.ts";
import { dressAsL4t, makeTinyRoot } from "../helpers/made-up-base.ts";

const kernel = "6.12.118+deb13-arm64";
const image = { name: "spotlive-x", version: "1.2.3", time: 1_750_000_000 };
const status = `Package: libc6
Status: install ok installed
Architecture: arm64
Version: 2.41-12

Package: removed
Status: deinstall ok config-files
Architecture: all
Version: 1.0
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sbom-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function rootOf(name: string): Promise<string> {
  const tree = join(folder, name);
  await makeTinyRoot(tree, kernel);
  await writeFile(join(tree, "var/lib/dpkg/status"), status);
  return tree;
}

/** The package URLs (purl) of what an image holds. */
async function urlsOf(tree: string): Promise<readonly string[]> {
  const { components } = JSON.parse(await renderSbom(tree, image)) as {
    readonly components: readonly { readonly purl: string }[];
  };
  return components.map(({ purl }) => purl);
}

it("the list of contents names the packages that are installed, by their distribution and its release", async () => {
  const urls = await urlsOf(await rootOf("debian"));
  expect(urls.filter((url) => url.startsWith("pkg:deb/"))).toEqual([
    "pkg:deb/debian/libc6@2.41-12?arch=arm64&distro=debian-13",
  ]);
  expect(urls.filter((url) => url.startsWith("pkg:npm/werift@"))).toHaveLength(1);
  expect(urls.filter((url) => url.startsWith("pkg:generic/node@"))).toHaveLength(1);
});

it("the packages of L4T are Ubuntu's, for whom the advisories of others are wrong", async () => {
  const tree = await rootOf("l4t");
  await dressAsL4t(tree, kernel, "36.4");
  expect(await urlsOf(tree)).toContain("pkg:deb/ubuntu/libc6@2.41-12?arch=arm64&distro=ubuntu-22.04");
});

it("a root that does not say what it is gets none", async () => {
  const tree = await rootOf("nameless");
  await writeFile(join(tree, "etc/os-release"), "PRETTY_NAME=mine\n");
  await expect(renderSbom(tree, image)).rejects.toThrow(/os-release.*expected ID and VERSION_ID/);
});

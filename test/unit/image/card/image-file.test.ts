import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zstdCompressSync, constants } from "node:zlib";
import { describe, expect, it } from "vitest";
import { examineImage, patchImage } from "../../../../image/card/image-file.ts";
import { parseChecksum, parseManifest } from "../../../../image/card/image-proof.ts";
import { makeFakeRoot } from "../../../helpers/fake-root.ts";

const content = randomBytes(9 << 20);
const packed = zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const manifest = JSON.stringify({ image: { bytes: content.length, sha256: hash(content) } });

interface Given {
  readonly name?: string;
  readonly bytes?: Uint8Array;
  readonly checksum?: string;
  readonly manifest?: string;
}

async function examined({ name = "a.img.zst", bytes = packed, checksum, manifest }: Given) {
  await using folder = await makeFakeRoot();
  const path = join(folder.directory, name);
  await writeFile(path, bytes);
  if (checksum !== undefined) await writeFile(`${path}.sha256`, checksum);
  if (manifest !== undefined) await writeFile(join(folder.directory, "a.manifest.json"), manifest);
  const image = await examineImage(path, new AbortController().signal, () => {});
  const blocks: Buffer[] = [];
  for await (const block of image.blocks()) blocks.push(block.bytes);
  return { image, same: Buffer.concat(blocks).equals(content), sizes: blocks.map(({ length }) => length) };
}

describe("an image that is whole", () => {
  it.each([
    { checksum: `${hash(packed)}  a.img.zst\n`, manifest },
    { checksum: `${hash(packed).toUpperCase()} *./out/a.img.zst\r\n` },
    { manifest },
    {},
    { name: "a.img", bytes: content, manifest },
  ])("is taken, and gives its bytes: %#", async (given) => {
    const { image, same, sizes } = await examined(given);
    expect(image).toMatchObject({ bytes: content.length, isProven: true });
    expect({ same, sizes }).toEqual({ same: true, sizes: [4 << 20, 4 << 20, 1 << 20] });
  });

  it("is taken, and said to be unproven, when nothing tells more", async () => {
    const { image } = await examined({ name: "a.img", bytes: content });
    expect(image.isProven).toBe(false);
  });

  it("gives other bytes in the places of patches, across blocks too", async () => {
    await using folder = await makeFakeRoot();
    const path = join(folder.directory, "a.img");
    await writeFile(path, content);
    const image = await examineImage(path, new AbortController().signal, () => {});
    const patches = [0, (4 << 20) - 3, content.length - 7].map((offset) => ({
      offset,
      bytes: Buffer.from("patched"),
    }));
    const blocks: Buffer[] = [];
    for await (const { bytes } of patchImage(image, patches).blocks()) blocks.push(bytes);
    const wanted = Buffer.from(content);
    for (const { offset, bytes } of patches) bytes.copy(wanted, offset);
    expect(Buffer.concat(blocks).equals(wanted)).toBe(true);
  });
});

describe("an image that is damaged", () => {
  const flipped = Buffer.from(packed);
  flipped.writeUInt8(flipped.readUInt8(5_000_000) ^ 1, 5_000_000);
  const cut = packed.subarray(0, packed.length - 1000);
  const lie = JSON.stringify({ image: { bytes: content.length, sha256: hash(packed) } });
  it.each([
    ["its SHA-256 is", { bytes: cut, checksum: `${hash(packed)}  a.img.zst\n` }],
    ["names no SHA-256 of this image", { checksum: `${hash(packed)}  another.img.zst\n` }],
    ["unexpected end of file", { bytes: cut }],
    ["unpacking it ends with", { bytes: flipped }],
    ["unpacking it ends with", { bytes: content }],
    ["unexpected end of file", { bytes: Buffer.alloc(0) }],
    ["its manifest says", { manifest: lie }],
    ["its manifest says 9437184", { name: "a.img", bytes: content.subarray(512), manifest }],
    ["expected {", { manifest: "{}" }],
    ["no number of whole sectors", { name: "a.img", bytes: content.subarray(1) }],
    ["no number of whole sectors", { name: "a.img", bytes: Buffer.alloc(0) }],
  ])("is named: %s", async (words, given: Given) => {
    await expect(examined(given)).rejects.toMatchObject({
      code: "malformed",
      message: expect.stringContaining(words),
    });
  });

  it("is a mistake of usage when it is none", async () => {
    await expect(examined({ name: "a.txt" })).rejects.toMatchObject({ code: "usage" });
  });

  it("is found when it changes after it was examined", async () => {
    await using folder = await makeFakeRoot();
    const path = join(folder.directory, "a.img.zst");
    await writeFile(path, packed);
    const image = await examineImage(path, new AbortController().signal, () => {});
    for (const bytes of [flipped, cut, zstdCompressSync(content.subarray(512))]) {
      await writeFile(path, bytes);
      const read = async (): Promise<void> => {
        for await (const _ of image.blocks());
      };
      await expect(read()).rejects.toMatchObject({
        code: "malformed",
        message: expect.stringContaining("later"),
      });
    }
  });
});

describe("what lies beside an image", () => {
  it.each([
    ["", undefined],
    [`${"a".repeat(63)}  a.img`, undefined],
    ["a".repeat(64), "a".repeat(64)],
    [`${"b".repeat(64)}  b.img\n${"a".repeat(64)}  a.img\n`, "a".repeat(64)],
  ])("is read as sha256sum writes it: %#", (text, wanted) => {
    expect(parseChecksum(text, "a.img")).toBe(wanted);
  });

  it.each(["", "null", "[]", "{}", '{"image": null}', '{"image": {"bytes": 1.5, "sha256": ""}}'])(
    "is refused when it is no manifest: %s",
    (text) => {
      expect(parseManifest(text)).toBeUndefined();
    },
  );
});

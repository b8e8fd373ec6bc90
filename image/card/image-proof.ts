import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { readFileIfThere } from "../../src/lib/atomic-file.ts";
import { damagedImage } from "./blocks.ts";

/** What the manifest beside an image says of the unpacked one. */
export interface Manifest {
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

const hexHash = /^[0-9a-f]{64}$/i;

/**
 * Compares the file as it lies there with `FILE.sha256` (as sha256sum writes it); false where there is none. Rejects
 * with a `Fault` (`malformed`) when it is another.
 */
export async function matchesChecksum(path: string, signal: AbortSignal): Promise<boolean> {
  const text = await readFileIfThere(`${path}.sha256`);
  if (text === undefined) return false;
  const wanted = parseChecksum(text, basename(path));
  if (wanted === undefined) throw damagedImage(`${path}.sha256`, "it names no SHA-256 of this image");
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { signal, highWaterMark: 1 << 20 }))
    hash.update(chunk as Buffer);
  const got = hash.digest("hex");
  if (got !== wanted)
    throw damagedImage(path, `its SHA-256 is ${got}, and ${basename(path)}.sha256 says ${wanted}`);
  return true;
}

/** The hash of one file in a list as sha256sum(1) writes it, in small letters. Total. */
export function parseChecksum(text: string, name: string): string | undefined {
  for (const line of text.split(/\r?\n/)) {
    const [hash = "", file] = line.trim().split(/\s+\*?/, 2);
    if (hexHash.test(hash) && (file === undefined || basename(file) === name)) return hash.toLowerCase();
  }
  return undefined;
}

/** Reads `NAME.manifest.json` beside `NAME.img` or `NAME.img.zst`; undefined where there is none. */
export async function readManifest(path: string): Promise<Manifest | undefined> {
  const file = `${path.replace(/\.zst$/, "").replace(/\.img$/, "")}.manifest.json`;
  const text = await readFileIfThere(file);
  if (text === undefined) return undefined;
  const manifest = parseManifest(text);
  if (manifest === undefined) throw damagedImage(file, 'expected {"image": {"bytes": N, "sha256": "..."}}');
  return manifest;
}

/** Total: nonsense gives undefined. */
export function parseManifest(text: string): Manifest | undefined {
  try {
    const { image } = JSON.parse(text) as { readonly image?: Partial<Record<string, unknown>> };
    const [bytes, sha256] = [image?.["bytes"], image?.["sha256"]];
    if (!Number.isSafeInteger(bytes) || typeof sha256 !== "string" || !hexHash.test(sha256)) return undefined;
    return { bytes: bytes as number, sha256: sha256.toLowerCase() };
  } catch {
    return undefined; // no JSON, or null
  }
}

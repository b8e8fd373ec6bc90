import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";

/** A file as it is sent. */
export interface PageFile {
  readonly content: Buffer;
  readonly type: string;
  /** How the content is packed; undefined: not at all. */
  readonly encoding: "br" | "gzip" | undefined;
}

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

const packings = [
  { encoding: "br", suffix: ".br" },
  { encoding: "gzip", suffix: ".gz" },
] as const;

/**
 * Reads a file of the page, packed as the browser takes it where it was packed when the page was built. `name` is from
 * the address, so whatever it is, only a file of a kind that pages have, right in the folder, is found. Gives
 * undefined where there is none; rejects with the file system's error otherwise.
 */
export async function readPageFile(
  folder: string,
  name: string,
  acceptEncoding: string | undefined,
): Promise<PageFile | undefined> {
  const type = types[extname(name)];
  if (type === undefined || !/^\w[\w.-]{0,127}$/.test(name)) return undefined;
  const path = join(folder, name);
  for (const { encoding, suffix } of packings) {
    if (!takesEncoding(acceptEncoding, encoding)) continue;
    const content = await readIfThere(path + suffix);
    if (content !== undefined) return { content, type, encoding };
  }
  const content = await readIfThere(path);
  return content && { content, type, encoding: undefined };
}

/** True where an `Accept-Encoding` header (RFC 9110, 12.5.3) takes an encoding. Total. */
export function takesEncoding(header: string | undefined, encoding: string): boolean {
  const weights = new Map(
    (header ?? "").split(",").map((item) => {
      const [name = "", ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? "1";
      return [name, Number(weight) > 0] as const;
    }),
  );
  return weights.get(encoding) ?? weights.get("*") ?? false;
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw error;
  }
}

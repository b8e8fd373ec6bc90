import { constants } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Fault, toFault } from "../domain/fault.ts";

/** The boot file, and what an editor on Windows may make of its name. */
export const bootFileNames = ["spotlive.yaml", "spotlive.yaml.txt"] as const;

/** What a power cut may leave of a rewriting; where the file itself is gone, this is it, whole. */
export const rewritten = (name: string): string => `${name}.new`;

/** In bytes; a text of 64 KiB in two-byte characters. */
const largestFile = 131_072;

export type Encoding = "utf-8" | "utf-8 with mark" | "utf-16";

export interface BootText {
  readonly name: string;
  readonly text: string;
  readonly encoding: Encoding;
}

/** Reads the boot file in `folder`; undefined where there is none. Rejects with a `Fault` for what is no text, or not one file. */
export async function findBootText(folder: string): Promise<BootText | undefined> {
  const names = await readdir(folder);
  const given = bootFileNames.filter((name) => names.includes(name));
  if (given.length > 1)
    throw new Fault("config-invalid", `Expected one boot file, got both ${given.join(" and ")}: remove one.`);
  for (const name of given.length > 0 ? given : bootFileNames.map(rewritten)) {
    const bytes = await readPlainFile(join(folder, name));
    if (bytes !== undefined) return { name, ...decode(bytes, name) };
  }
  return undefined;
}

/**
 * The bytes of a plain file; undefined where there is none. Never follows a link and never waits for a pipe. Rejects
 * with a `Fault` for anything else, and for a file that is too large.
 */
export async function readPlainFile(path: string, largest = largestFile): Promise<Buffer | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = await file.stat();
    if (!found.isFile())
      throw new Fault("config-invalid", `${path}: expected a plain file, got something else`);
    if (found.size > largest)
      throw new Fault("config-invalid", `${path}: expected at most ${largest} bytes, got ${found.size}`);
    return await file.readFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw toFault(error, "config-invalid", `${path} cannot be read`);
  }
}

export function encode(text: string, encoding: Encoding): Buffer {
  if (encoding === "utf-16") return Buffer.from(`\ufeff${text}`, "utf16le");
  return Buffer.from(encoding === "utf-8" ? text : `\ufeff${text}`);
}

/** Reads UTF-8 with and without a byte order mark, and UTF-16 with one, as old editors on Windows write it. */
function decode(bytes: Buffer, name: string): Omit<BootText, "name"> {
  const [first, second] = bytes;
  const isLittle = first === 0xff && second === 0xfe;
  if (isLittle || (first === 0xfe && second === 0xff))
    return { text: new TextDecoder(isLittle ? "utf-16le" : "utf-16be").decode(bytes), encoding: "utf-16" };
  try {
    const hasMark = first === 0xef && second === 0xbb && bytes[2] === 0xbf;
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return { text, encoding: hasMark ? "utf-8 with mark" : "utf-8" };
  } catch {
    throw new Fault(
      "config-invalid",
      `${name}:${firstBadLine(bytes)}: expected text in UTF-8, got other bytes: choose UTF-8 when you save it in your editor`,
    );
  }
}

function firstBadLine(bytes: Buffer): number {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  // In this encoding every byte is a character of its own.
  const lines = bytes.toString("latin1").split("\n");
  const isBad = (line: string): boolean => {
    try {
      decoder.decode(Buffer.from(line, "latin1"));
      return false;
    } catch {
      return true;
    }
  };
  return lines.findIndex(isBad) + 1;
}

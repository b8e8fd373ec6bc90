import { createHash } from "node:crypto";

/** Throws unless the bytes are the ones that `integrity` (`sha512-` and Base64, as npm writes it) was made from. */
export function checkIntegrity(name: string, bytes: Uint8Array, integrity: string): void {
  if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity))
    throw new Error(`${name} is pinned by ${JSON.stringify(integrity)}; expected sha512- and 88 characters.`);
  const got = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  if (got !== integrity)
    throw new Error(`${name} is not what was pinned: expected ${integrity}, got ${got}.`);
}

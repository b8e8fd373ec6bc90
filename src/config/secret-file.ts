import { readFile, stat } from "node:fs/promises";
import { Secret } from "../domain/secret.ts";
import type { Findings } from "./problems.ts";

const maxSecretLength = 4096;
const maxFileBytes = 1_048_576;

/** Gives the secret, from its value or its file; undefined where neither is set. */
export async function readSecret(
  value: string | null,
  file: string | null,
  path: string,
  findings: Findings,
): Promise<Secret | undefined> {
  if (value !== null && file !== null)
    findings.addAt(`${path}File`, `expected either ${path} or ${path}File, got both`);
  if (file === null) return value === null ? undefined : new Secret(value);
  const text = (await readText(file, `${path}File`, findings))?.replace(/\r?\n$/, "");
  if (
    text !== undefined &&
    text !== "" &&
    text.length <= maxSecretLength &&
    !/[\u0000-\u001f\u007f]/.test(text)
  )
    return new Secret(text);
  if (text !== undefined)
    findings.addAt(
      `${path}File`,
      `expected one line of text in ${file}, got ${text === "" ? "none" : "something else"}`,
    );
  return new Secret(""); // a stand-in, so that one mistake is reported once
}

/** Gives the text of a PEM file; undefined where none is named. */
export async function readAuthority(
  file: string | null,
  path: string,
  findings: Findings,
): Promise<string | undefined> {
  if (file === null) return undefined;
  const text = await readText(file, path, findings);
  if (text !== undefined && !text.includes("-----BEGIN CERTIFICATE-----"))
    findings.addAt(path, `expected a certificate in PEM form in ${file}, got something else`);
  return text;
}

/** Gives a private key in PEM form; undefined where no file is named. */
export async function readPrivateKey(
  file: string | null,
  path: string,
  findings: Findings,
): Promise<Secret | undefined> {
  if (file === null) return undefined;
  const text = await readText(file, path, findings);
  if (text === undefined) return undefined;
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text))
    findings.addAt(path, `expected a private key in PEM form in ${file}, got something else`);
  return new Secret(text);
}

async function readText(file: string, path: string, findings: Findings): Promise<string | undefined> {
  try {
    const { size } = await stat(file);
    if (size <= maxFileBytes) return await readFile(file, "utf8");
    findings.addAt(path, `expected at most ${maxFileBytes} bytes in ${file}, got ${size}`);
  } catch (error) {
    const { code = "an error" } = error as NodeJS.ErrnoException;
    findings.addAt(path, `expected a file that can be read, got ${code} for ${file}`);
  }
  return undefined;
}

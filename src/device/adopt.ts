import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readBootFile, wifiSecrets } from "../config/boot-file.ts";
import type { BootFile } from "../config/boot-file.ts";
import { toFault } from "../domain/fault.ts";
import { blankSecrets } from "./blank.ts";
import { bootFileNames, encode, findBootText, readPlainFile, rewritten } from "./boot-text.ts";
import type { BootText } from "./boot-text.ts";
import { replaceFile } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { currentFolder, putInForce, readCurrent, removeOthers } from "./generation.ts";
import type { GeneratedFile, Generation } from "./generation.ts";
import { systemFiles } from "./system-files.ts";
import type { NetworkBackend } from "./system-files.ts";

export interface AdoptOptions {
  /** Folder of the boot partition. */
  readonly boot: string;
  /** Absolute folder on the data partition. */
  readonly data: string;
  readonly backend: NetworkBackend;
  readonly disk: Disk;
  /** The number of the service's group, which may then read what the service needs. */
  readonly group?: number | undefined;
}

export interface Adoption {
  /** `adopted`: something new; `unchanged`: the same as before; `refused`, `absent`: the file is wrong, or there is none. */
  readonly outcome: "adopted" | "unchanged" | "refused" | "absent";
  /** Whether any configuration is in force now. */
  readonly isInForce: boolean;
  /** For people: what was done or what is wrong, in lines. Never holds a secret. */
  readonly text: string;
  /** What does not keep the device from working. */
  readonly warnings: readonly string[];
}

const problemsName = "spotlive-problems.txt";
const largestBeside = 65_536;

/**
 * Takes the boot file over: checks it, puts it in force under `data` in one step, then takes the secrets away from the
 * boot partition. In this order a power cut loses none, and the next run ends what was begun. A file that is wrong
 * changes nothing but `spotlive-problems.txt` beside it. Rejects with a `Fault` when the data partition fails.
 */
export async function adoptBootFile(options: AdoptOptions): Promise<Adoption> {
  const current = await readCurrent(options.data);
  const warnings: string[] = [];
  const common = { isInForce: current.size > 0, warnings };
  const stays = current.size > 0 ? "What was in force before stays so." : "Nothing is in force yet.";
  try {
    const found = await findBootText(options.boot);
    if (found === undefined) {
      const text = `There is no ${bootFileNames[0]} on the boot partition. ${stays}`;
      await tellProblems(options, text, warnings);
      return { ...common, outcome: "absent", text };
    }
    const file = await readBootFile(found.text, {
      file: found.name,
      home: currentFolder(options.data),
      boot: options.boot,
      secret: (name) => current.get(`secrets/${name}`)?.toString("utf8").replace(/\n$/, ""),
      locate: (name) => locate(options, current, name),
    });
    const wanted = await generationOf(file, options, current);
    const isChanged = await putInForce(options.data, wanted, current, options.disk, options.group);
    await clearBoot(options, found, file, warnings);
    await removeOthers(options.data, options.disk);
    return {
      outcome: isChanged ? "adopted" : "unchanged",
      isInForce: true,
      text: isChanged ? `${found.name} is in force.` : `${found.name} has not changed.`,
      warnings,
    };
  } catch (error) {
    const fault = toFault(error);
    if (fault.code !== "config-invalid") throw fault;
    const text = `${fault.message}\n${stays}`;
    await tellProblems(options, text, warnings);
    return { ...common, outcome: "refused", text };
  }
}

async function locate(
  { boot, data }: AdoptOptions,
  current: ReadonlyMap<string, Buffer>,
  name: string,
): Promise<string | undefined> {
  const beside = join(boot, name);
  const isThere = await readPlainFile(beside, largestBeside).then(
    (bytes) => bytes !== undefined,
    () => undefined,
  );
  if (isThere === true) return beside;
  return isThere === false && current.has(`files/${name}`)
    ? join(currentFolder(data), "files", name)
    : undefined;
}

async function generationOf(
  file: BootFile,
  { boot, backend }: AdoptOptions,
  current: ReadonlyMap<string, Buffer>,
): Promise<Generation> {
  const forService = { mode: 0o600, isForService: true };
  const files = new Map<string, GeneratedFile>([
    ["spotlive.yaml", { content: Buffer.from(file.service), ...forService }],
  ]);
  for (const [name, secret] of file.secrets) {
    const isForService = !name.startsWith(wifiSecrets);
    files.set(`secrets/${name}`, { content: Buffer.from(`${secret}\n`), mode: 0o600, isForService });
  }
  for (const [name, { isForService }] of file.files) {
    const content = (await readPlainFile(join(boot, name), largestBeside)) ?? current.get(`files/${name}`);
    if (content !== undefined) files.set(`files/${name}`, { content, mode: 0o600, isForService });
  }
  for (const [path, { text, mode }] of systemFiles(file.device, backend))
    files.set(`system/${path}`, { content: Buffer.from(text), mode, isForService: false });
  return files;
}

/** The boot partition may be full, or read-only: the line goes live all the same, and the next run tries again. */
async function clearBoot(
  { boot, disk }: AdoptOptions,
  found: BootText,
  { fresh, files }: BootFile,
  warnings: string[],
): Promise<void> {
  try {
    const name = found.name.replace(/\.new$/, "");
    if (name !== found.name) await disk.rename(join(boot, found.name), join(boot, name));
    if (fresh.length > 0) {
      const text = blankSecrets(found.text, fresh);
      await replaceFile(disk, boot, name, encode(text, found.encoding), 0o600);
    }
    const isPrivate = (name: string): boolean => files.get(name)?.isPrivate === true;
    const leftovers = [...[...bootFileNames, problemsName].map(rewritten), problemsName];
    const gone = (await readdir(boot)).filter((name) => isPrivate(name) || leftovers.includes(name));
    for (const name of gone) await disk.remove(join(boot, name));
    if (gone.length > 0) await disk.syncFolder(boot);
  } catch (error) {
    warnings.push(
      `The secrets could not be taken away from the boot partition: ${toFault(error).message}. They are in force nevertheless; it is tried again at the next power-on.`,
    );
  }
}

/** For a laptop that the card is put into. */
async function tellProblems({ boot, disk }: AdoptOptions, text: string, warnings: string[]): Promise<void> {
  try {
    const content = `${text.replaceAll("\n", "\r\n")}\r\n`;
    const before = await readPlainFile(join(boot, problemsName));
    if (before?.toString("utf8") !== content) await replaceFile(disk, boot, problemsName, content, 0o600);
  } catch (error) {
    warnings.push(`${problemsName} could not be written: ${toFault(error).message}.`);
  }
}

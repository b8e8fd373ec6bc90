import { chmod, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { findSecrets } from "../../config/secret-files.ts";
import { Fault } from "../../domain/fault.ts";
import { ok, unknown, warning, wrong } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import type { DoctorContext } from "./context.ts";

/** The configuration, and who may read its secrets. */
export function configChecks(context: DoctorContext): readonly Check[] {
  return [
    { id: "configuration", run: () => Promise.resolve([judgeConfig(context)]) },
    { id: "secret-files", run: () => checkSecrets(context), fix: () => closeSecrets(context) },
  ];
}

function judgeConfig({ config, problem, root }: DoctorContext): Finding {
  const id = "configuration";
  if (config === undefined && !root.isThisMachine && problem === undefined)
    return unknown(id, "No configuration was named.", "Name one: --config PATH.");
  if (config === undefined) {
    const remedy = "spotlive check-config names every mistake; spotlive.example.yaml explains every key.";
    return wrong(id, problem ?? "There is none.", "spotlive does not start with it.", remedy);
  }
  const { source, outputs } = config;
  const names = outputs.map(({ name, kind }) => `${name} (${kind})`).join(", ");
  if (outputs.length === 0)
    return warning(
      id,
      `Source ${source.kind}, no outputs.`,
      "Nothing is published.",
      "Name a destination in outputs.",
    );
  return ok(id, `Source ${source.kind}, outputs ${names}.`);
}

const forOthers = 0o007;
const forGroup = 0o070;

interface OpenFile {
  /** As the configuration has it. */
  readonly path: string;
  readonly place: string;
  readonly mode: number;
  readonly owner: number;
}

/** Files with secrets that more users may read than should; the configuration only where it holds secrets itself. */
async function findOpenFiles(context: DoctorContext): Promise<{
  readonly open: readonly OpenFile[];
  readonly looked: number;
  readonly inline: readonly string[];
}> {
  const { root, configPath } = context;
  const { file, inline, files } = await findSecrets(configPath);
  const paths = [
    ...files.map(({ path }) => path),
    ...(inline.length > 0 && file !== undefined ? [file] : []),
  ];
  const open: OpenFile[] = [];
  for (const path of new Set(paths)) {
    const place = path === file ? path : join(root.directory, resolve(path));
    const found = await stat(place).catch(() => undefined);
    if (found?.isFile() === true && (found.mode & (forOthers | forGroup)) !== 0)
      open.push({ path, place, mode: found.mode & 0o777, owner: found.uid });
  }
  return { open, looked: paths.length, inline };
}

async function checkSecrets(context: DoctorContext): Promise<readonly Finding[]> {
  const id = "secret-files";
  if (!context.root.isThisMachine && context.configPath === undefined)
    return [unknown(id, "No configuration was named.")];
  const { open, looked, inline } = await findOpenFiles(context);
  const shown = open
    .map(({ path, mode }) => `${path} has mode ${mode.toString(8).padStart(4, "0")}`)
    .join(", ");
  const where = inline.length === 0 ? "" : ` In the configuration itself: ${inline.join(", ")}.`;
  if (open.length === 0)
    return [ok(id, looked === 0 ? "No file holds a secret." : `Only their owner may read them.${where}`)];
  const isForAll = open.some(({ mode }) => (mode & forOthers) !== 0);
  const meaning = isForAll
    ? "Every user of this machine can read a stream key or a password."
    : "A group can read a stream key or a password. That is right where only spotlive is in it.";
  const remedy = "chmod 0600, as their owner; better: LoadCredential= in a drop-in of spotlive.service.";
  return [(isForAll ? wrong : warning)(id, `${shown}.${where}`, meaning, remedy)];
}

const unitFiles = [
  "/etc/systemd/system/spotlive.service",
  "/usr/lib/systemd/system/spotlive.service",
  "/lib/systemd/system/spotlive.service",
];

/** Takes the rights away from everybody but the owner, where that cannot lock out spotlive itself. */
async function closeSecrets(context: DoctorContext): Promise<string> {
  const { open } = await findOpenFiles(context);
  const isService = (await Promise.all(unitFiles.map(context.root.stamp))).some(
    (stamp) => stamp !== undefined,
  );
  // The service has a user of its own, which could no longer read what belongs to root alone.
  if (isService && open.some(({ owner }) => owner === 0))
    throw new Fault(
      "not-supported",
      "the files belong to root, and the service spotlive has a user of its own that could no longer read them. Give them to it with LoadCredential= first.",
    );
  for (const { place } of open) await chmod(place, 0o600);
  return `Set mode 0600 for ${open.map(({ path }) => path).join(", ")}.`;
}

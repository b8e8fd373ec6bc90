import { createHash } from "node:crypto";
import { isAbsolute, join } from "node:path";
import { stringify, visit, parseDocument } from "yaml";
import { buildConfig } from "./build.ts";
import { buildDevice } from "./device-config.ts";
import type { DeviceConfig } from "./device-config.ts";
import { leavesOf } from "./environment.ts";
import type { Leaf } from "./environment.ts";
import type { Group } from "./keys.ts";
import { Findings } from "./problems.ts";
import { bootItems, bootSchema, wifiSchema } from "./schema-device.ts";
import { outputSchema } from "./schema-output.ts";
import { readAuthority, readPrivateKey } from "./secret-file.ts";
import { completeValues } from "./values.ts";
import { readYaml } from "./yaml-file.ts";
import type { Given } from "./yaml-file.ts";

/** Stands in a boot file where a secret was taken over. */
export const keptSecret = "kept-on-device";

/** How the names of secrets begin that are the system's, for its WiFi. */
export const wifiSecrets = "wifi.";

/** What is read besides the boot file. */
export interface BootContext {
  /** What the boot file is called in messages. */
  readonly file: string;
  /** The absolute folder in which secrets and files will lie once they are taken over. */
  readonly home: string;
  /** The absolute folder of the boot partition. */
  readonly boot: string;
  /** A secret that was taken over before. */
  secret(name: string): string | undefined;
  /** Where a file beside the boot file can be read, or was taken over to; undefined: nowhere, or it is no plain file. */
  locate(name: string): Promise<string | undefined>;
}

export interface FreshSecret {
  /** Where it stands in the YAML document. */
  readonly path: readonly (string | number)[];
  readonly value: string;
}

export interface BesideFile {
  /** To be taken away from the boot partition. */
  readonly isPrivate: boolean;
  /** Whether the service needs it; else the system's WiFi alone. */
  readonly isForService: boolean;
}

/** A boot file that is right. */
export interface BootFile {
  readonly device: DeviceConfig;
  /** The configuration of the service as YAML; secrets are named by their files. */
  readonly service: string;
  /** Every secret, by the name of its file in the folder `secrets`. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Those that still stand in the text. */
  readonly fresh: readonly FreshSecret[];
  /** Files beside the boot file that go to the folder `files`, by their names. */
  readonly files: ReadonlyMap<string, BesideFile>;
}

/** Reads and checks the text of a boot file. Rejects with one `Fault` (`config-invalid`) that names every problem. */
export async function readBootFile(text: string, context: BootContext): Promise<BootFile> {
  const findings = new Findings(context.file);
  const given = readYaml(text, bootSchema, bootItems, findings) ?? findings.throwAll();
  refuseAliases(text, findings);
  const collector = new Collector(given, context, findings);
  for (const scope of scopesOf(given)) await collector.collect(scope);
  const { checked, kept, secrets, fresh, files } = collector;
  const { device: about, ...ofService } = kept;
  delete checked["device"];
  const { source, spot, http } = completeValues(structuredClone(checked), {}, new Findings(context.file));
  const robotHosts = source === "spot" ? [spot.host, spot.cameraHost ?? spot.host] : [];
  const line = { robotHosts, dashboardPort: http.port ?? undefined };
  const device = buildDevice(groupOf(about), line, findings);
  for (const values of [checked, ofService]) nameInterfaces(values, device, source);
  ofService["bootDirectory"] ??= context.boot;
  await buildConfig(completeValues(checked, {}, findings), {}, findings);
  const service = `# Made by spotlive from the boot file at power-on; changes here are lost.\n${stringify(ofService)}`;
  return { device, service, secrets, fresh, files };
}

/** The service is told which interface leads where, unless the file says it itself. */
function nameInterfaces(values: Given, device: DeviceConfig, source: string): void {
  const wifi = device.wifi.length > 0 ? [device.wifiInterface] : [];
  values["uplinks"] ??= [...wifi, ...device.uplinks];
  if (source === "spot") values["spot"] = { interface: device.robotInterface, ...groupOf(values["spot"]) };
}

/** A group of values with the place where it stands. */
interface Scope {
  readonly group: Group;
  readonly values: Given;
  readonly path: Path;
  /** For messages: `outputs[0].` */
  readonly prefix: string;
  /** For the names of kept secrets, which stay the same when a list is sorted anew. */
  readonly keep: string;
}

type Path = readonly (string | number)[];

function scopesOf(given: Given): readonly Scope[] {
  const outputs = listOf(given["outputs"]).map((values, index) => ({
    group: outputSchema,
    values,
    path: ["outputs", index],
    prefix: `outputs[${index}].`,
    keep: `outputs.${textOf(values["name"]) ?? outputSchema.name.default}.`,
  }));
  const wifi = listOf(groupOf(given["device"])["wifi"]).map((values, index) => ({
    group: wifiSchema,
    values,
    path: ["device", "wifi", index],
    prefix: `device.wifi[${index}].`,
    keep: `${wifiSecrets}${createHash("sha256")
      .update(textOf(values["name"]) ?? "")
      .digest("hex")
      .slice(0, 16)}.`,
  }));
  return [{ group: bootSchema, values: given, path: [], prefix: "", keep: "" }, ...outputs, ...wifi];
}

/** Goes through the values and sorts out what is secret and what is a file. */
class Collector {
  /** The values with everything where it can be read now. */
  readonly checked: Given;
  /** The values with everything where it will lie. */
  readonly kept: Given;
  readonly secrets = new Map<string, string>();
  readonly fresh: FreshSecret[] = [];
  readonly files = new Map<string, BesideFile>();
  readonly #context: BootContext;
  readonly #findings: Findings;

  constructor(given: Given, context: BootContext, findings: Findings) {
    this.checked = structuredClone(given);
    this.kept = structuredClone(given);
    this.#context = context;
    this.#findings = findings;
  }

  async collect(scope: Scope): Promise<void> {
    const leaves = leavesOf(scope.group);
    for (const leaf of leaves) {
      const value = textOf(valueAt(scope.values, leaf.path.split(".")));
      if (value === undefined) continue;
      if (leaf.key.sensitive) this.#secret(value, leaf, leaves, scope);
      else if (leaf.path.endsWith("File")) await this.#file(value, leaf, leaves, scope);
    }
  }

  #secret(value: string, { path }: Leaf, leaves: readonly Leaf[], scope: Scope): void {
    const name = scope.keep + path;
    const secret = value === keptSecret ? this.#context.secret(name) : value;
    if (secret === undefined)
      return this.#findings.addAt(
        scope.prefix + path,
        `expected the secret itself, got ${keptSecret}, but this device keeps none for it`,
      );
    const at = [...scope.path, ...path.split(".")];
    if (value !== keptSecret) this.fresh.push({ path: at, value });
    this.secrets.set(name, secret);
    setAt(this.checked, at, secret);
    const hasFile = leaves.some((other) => other.path === `${path}File`);
    setAt(this.kept, at, hasFile ? undefined : secret);
    if (hasFile) setAt(this.kept, fileKey(at), join(this.#context.home, "secrets", name));
  }

  async #file(value: string, { path }: Leaf, leaves: readonly Leaf[], scope: Scope): Promise<void> {
    const isPrivate =
      /(^|\.)keyFile$/.test(path) ||
      leaves.some((other) => other.key.sensitive && `${other.path}File` === path);
    const kind = { isPrivate, isForService: scope.group !== wifiSchema };
    const found = isAbsolute(value) ? value : await this.#beside(value, scope.prefix + path, kind);
    if (found === undefined) return;
    const at = [...scope.path, ...path.split(".")];
    setAt(this.checked, at, found);
    if (!isAbsolute(value)) setAt(this.kept, at, join(this.#context.home, "files", value));
    if (kind.isForService) return; // these are looked into when the configuration is built
    await (isPrivate ? readPrivateKey : readAuthority)(found, scope.prefix + path, this.#findings);
  }

  async #beside(name: string, path: string, kind: BesideFile): Promise<string | undefined> {
    const { isPrivate, isForService } = kind;
    const isName = /^[A-Za-z0-9][\w. -]{0,63}$/.test(name) && !/^(spotlive|boot-report)/i.test(name);
    // Taken away from the boot partition afterwards: that must never be a kernel, or its command line.
    const isRemovable = !isPrivate || /\.(pem|key|secret)$/i.test(name);
    if (!isName || !isRemovable) {
      const ending = isPrivate ? " that ends in .pem, .key or .secret" : "";
      this.#findings.addAt(
        path,
        `expected an absolute path, or the name of a file beside the boot file${ending}, got ${JSON.stringify(name.slice(0, 60))}`,
      );
      return undefined;
    }
    const found = await this.#context.locate(name);
    if (found === undefined)
      this.#findings.addAt(path, `expected a plain file of at most 64 KiB, ${name}, beside the boot file`);
    else {
      const before = this.files.get(name);
      this.files.set(name, {
        isPrivate: isPrivate || before?.isPrivate === true,
        isForService: isForService || before?.isForService === true,
      });
    }
    return found;
  }
}

/** A value that is written once and used twice cannot be taken away in one place; and YAML bombs are made of them. */
function refuseAliases(text: string, findings: Findings): void {
  visit(parseDocument(text), {
    Alias: () => findings.addAt("", "expected every value to be written out, got an alias (*name)"),
  });
}

function valueAt(values: unknown, [name, ...rest]: Path): unknown {
  if (name === undefined) return values;
  return valueAt((values as Given | undefined)?.[name], rest);
}

function setAt(values: Given, path: Path, value: string | undefined): void {
  const holder = valueAt(values, path.slice(0, -1)) as Given;
  const name = String(path.at(-1));
  if (value === undefined) delete holder[name];
  else holder[name] = value;
}

const fileKey = (path: Path): Path => [...path.slice(0, -1), `${path.at(-1)}File`];
const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
const listOf = (value: unknown): readonly Given[] =>
  Array.isArray(value) ? (value as readonly Given[]) : [];
const groupOf = (value: unknown): Given => (value ?? {}) as Given;

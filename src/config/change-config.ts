import { leavesOf, readEnvironment } from "./environment.ts";
import type { Environment, Leaf } from "./environment.ts";
import { formatOf, maxOutputs } from "./keys.ts";
import { describe, didYouMean, Findings } from "./problems.ts";
import { outputSchema } from "./schema-output.ts";
import { schema } from "./schema.ts";

/** What is wrong with one key of a change; the path is empty where it is nobody's alone. */
export interface ConfigProblem {
  readonly path: string;
  readonly text: string;
}

/** One key of the file that is set, or taken out of it where the value is null. */
export interface KeyChange {
  /** As the YAML library takes it: `["outputs", 0, "url"]`. */
  readonly place: readonly (string | number)[];
  readonly value: unknown;
}

const byPath = (leaves: readonly Leaf[]): ReadonlyMap<string, Leaf> =>
  new Map(leaves.map((leaf) => [leaf.path, leaf]));
const ownLeaves = byPath(leavesOf(schema).filter(({ key }) => key.format !== "outputs"));
const outputLeaves = byPath(leavesOf(outputSchema));
const mostChanges = 300;

/**
 * Where a secret is sent, and who is believed to be there: whoever changes that must bring the secret along. One that
 * cannot be read must not be had by sending it somewhere else either.
 */
const ways: readonly { readonly of: RegExp; readonly secrets: readonly string[] }[] = [
  { of: /^outputs\[\d+\]\.(kind|url|ingest|caFile)$/, secrets: ["streamKey"] },
  {
    of: /^spot\.(host|port|cameraHost|cameraPort|(tls|cameraTls)\.\w+)$/,
    secrets: ["password", "payload.secret"],
  },
  { of: /^mqtt\.(url|caFile)$/, secrets: ["password"] },
];

/** Reads what a form sends: `{"http.port": 8080, "mqtt.password": "new", "hold.max": null}`. Total. */
export function parseChanges(
  given: unknown,
  environment: Environment,
  isSet: (path: string) => boolean,
): { readonly changes: readonly KeyChange[]; readonly problems: readonly ConfigProblem[] } {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    return {
      changes: [],
      problems: [{ path: "", text: "expected changes by their keys, got something else" }],
    };
  const entries = Object.entries(given as Readonly<Record<string, unknown>>);
  if (entries.length > mostChanges)
    return { changes: [], problems: [{ path: "", text: `expected at most ${mostChanges} changes` }] };
  const changes: KeyChange[] = [];
  const problems: ConfigProblem[] = [];
  const isBrought = (path: string): boolean =>
    typeof Object.getOwnPropertyDescriptor(given, path)?.value === "string";
  for (const [path, value] of entries) {
    const text = whyNot(path, value, environment) ?? whyNotAlone(path, isSet, isBrought);
    if (text !== undefined) problems.push({ path: path.slice(0, 80), text });
    else changes.push(...changesOf(path, value));
  }
  return { changes, problems };
}

function whyNot(path: string, value: unknown, environment: Environment): string | undefined {
  if (/^outputs\[\d\]$/.test(path)) return value === null ? undefined : "expected null, which takes it away";
  const leaf = leafOf(path);
  if (leaf === undefined) return `there is no such key.${didYouMean(path, [...ownLeaves.keys()])}`;
  const { key } = leaf;
  if (
    key.env !== undefined &&
    key.env in readEnvironment(outputOrOwn(path), environment, "", new Findings(""))
  )
    return `is set by the environment variable ${key.env}, which wins over the file`;
  if (value === null) return undefined;
  if (isSecretFile(path))
    return "names a file with a secret, which can only be set by hand; set the secret itself instead";
  return formatOf(key).matches(value, key)
    ? undefined
    : `expected ${formatOf(key).expected(key)}, got ${describe(value, key.sensitive)}`;
}

function whyNotAlone(
  path: string,
  isSet: (path: string) => boolean,
  isBrought: (path: string) => boolean,
): string | undefined {
  const way = ways.find(({ of }) => of.test(path));
  if (way === undefined) return undefined;
  const [group = ""] = path.split(".");
  const missing = way.secrets
    .map((name) => `${group}.${name}`)
    .find((secret) => (isSet(secret) || isSet(`${secret}File`)) && !isBrought(secret));
  return missing && `says where a secret is sent: give ${missing} again with it`;
}

/** A secret replaces the file that held it before. */
function changesOf(path: string, value: unknown): readonly KeyChange[] {
  const change = { place: placeOf(path), value };
  const isNewSecret = leafOf(path)?.key.sensitive === true && value !== null;
  return isNewSecret ? [change, { place: placeOf(`${path}File`), value: null }] : [change];
}

const isSecretFile = (path: string): boolean =>
  path.endsWith("File") && leafOf(path.slice(0, -"File".length))?.key.sensitive === true;

const outputPath = new RegExp(`^outputs\\[([0-${maxOutputs - 1}])\\]\\.(.+)$`);

const outputOrOwn = (path: string): typeof schema | typeof outputSchema =>
  outputPath.test(path) ? outputSchema : schema;

function leafOf(path: string): Leaf | undefined {
  const [, , inner] = outputPath.exec(path) ?? [];
  return inner === undefined ? ownLeaves.get(path) : outputLeaves.get(inner);
}

function placeOf(path: string): readonly (string | number)[] {
  const [, index, inner] = /^outputs\[(\d)\](?:\.(.+))?$/.exec(path) ?? [];
  if (index === undefined) return path.split(".");
  return ["outputs", Number(index), ...(inner === undefined ? [] : inner.split("."))];
}

import { readEnvironment } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { about, formatOf, isKey, maxOutputs } from "./keys.ts";
import type { Group, Key } from "./keys.ts";
import { Findings } from "./problems.ts";
import { outputSchema } from "./schema-output.ts";
import { schema } from "./schema.ts";
import { completeValues } from "./values.ts";
import { readYaml } from "./yaml-file.ts";
import type { Given } from "./yaml-file.ts";

/** One key for a form. */
export interface KeyDescription {
  /** `http.port`, `outputs[0].streamKey`. */
  readonly path: string;
  readonly doc: string;
  readonly kind: "text" | "number" | "whole-number" | "switch" | "choice" | "list" | "secret";
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  /** What it takes, in words. */
  readonly expected: string;
  /** True where it may be without a value. */
  readonly optional: boolean;
  /** The environment variable that wins over the file. */
  readonly env?: string;
  /** Absent for a secret. */
  readonly default?: unknown;
  /** Absent for a secret. */
  readonly value?: unknown;
  readonly from: "default" | "file" | "environment";
  /** Of a secret: whether there is one. */
  readonly isSet?: boolean;
}

export interface GroupDescription {
  /** Empty for the keys that are in no group. `outputs[0]`: the first destination. */
  readonly name: string;
  readonly about: string;
  /** True for a destination that is not there yet: setting its keys makes it. */
  readonly isNew?: boolean;
  readonly keys: readonly KeyDescription[];
}

interface Sources {
  readonly values: unknown;
  readonly given: unknown;
  readonly environment: Environment;
}

/**
 * Describes every key, with the value that it has by default, by the file or by the environment, but never a secret.
 * Throws a `Fault` (`config-invalid`) for what is not YAML; a value that does not fit counts as absent.
 */
export function describeConfig(
  text: string,
  file: string,
  environment: Environment,
): readonly GroupDescription[] {
  const findings = new Findings(file);
  const read = (): Given =>
    readYaml(text, schema, { outputs: outputSchema }, findings) ?? findings.throwAll();
  const given = read();
  const values = completeValues(read(), environment, findings);
  const own = { values, given, environment: readEnvironment(schema, environment, "", findings) };
  const listed = Array.isArray(given["outputs"]) ? (given["outputs"] as readonly Given[]) : [];
  // The environment means the only destination, or one of its own.
  const ofOutput = listed.length > 1 ? {} : readEnvironment(outputSchema, environment, "", findings);
  const outputs = values.outputs.map((output, index) => ({
    name: `outputs[${index}]`,
    about: outputSchema[about],
    keys: describeKeys(outputSchema, `outputs[${index}].`, {
      ...{ values: output, given: listed[index], environment: ofOutput },
    }),
  }));
  const next = values.outputs.length;
  return [...describeGroups(schema, "", own), ...outputs, ...(next >= maxOutputs ? [] : [newOutput(next)])];
}

function newOutput(index: number): GroupDescription {
  const name = `outputs[${index}]`;
  const nothing: Sources = { values: undefined, given: undefined, environment: {} };
  return {
    name,
    about: "Another destination.",
    isNew: true,
    keys: describeKeys(outputSchema, `${name}.`, nothing),
  };
}

/** The groups of a group, itself first. */
function describeGroups(group: Group, path: string, sources: Sources): readonly GroupDescription[] {
  const keys = describeKeys(group, path === "" ? "" : `${path}.`, sources);
  const inner = Object.entries(group).flatMap(([name, node]) => {
    if (isKey(node)) return [];
    const child = { ...sources, values: at(sources.values, name), given: at(sources.given, name) };
    return describeGroups(node, path === "" ? name : `${path}.${name}`, child);
  });
  return [...(keys.length === 0 ? [] : [{ name: path, about: group[about], keys }]), ...inner];
}

function describeKeys(group: Group, path: string, sources: Sources): readonly KeyDescription[] {
  return Object.entries(group).flatMap(([name, node]) =>
    isKey(node) && node.format !== "outputs" ? [describeKey(node, name, path, sources)] : [],
  );
}

function describeKey(key: Key<unknown>, name: string, path: string, sources: Sources): KeyDescription {
  const value = at(sources.values, name) ?? key.default;
  const isInEnvironment = key.env !== undefined && sources.environment[key.env] !== undefined;
  const isInFile = at(sources.given, name) !== undefined;
  return {
    path: path + name,
    doc: key.doc,
    kind: kindOf(key),
    ...(typeof key.format !== "string" && { choices: key.format }),
    ...(key.min !== undefined && { min: key.min }),
    ...(key.max !== undefined && { max: key.max }),
    expected: formatOf(key).expected(key),
    optional: key.nullable,
    ...(key.env !== undefined && { env: key.env }),
    ...(key.sensitive ? { isSet: value !== null } : { default: key.default, value }),
    from: isInEnvironment ? "environment" : isInFile ? "file" : "default",
  };
}

function kindOf({ sensitive, format, default: value }: Key<unknown>): KeyDescription["kind"] {
  if (sensitive) return "secret";
  if (typeof format !== "string") return "choice";
  if (Array.isArray(value)) return "list";
  return format === "number" || format === "whole-number" || format === "switch" ? format : "text";
}

const at = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Given)[name] : undefined;

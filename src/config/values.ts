import convict from "convict";
import { leavesOf, readEnvironment } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { formats } from "./keys.ts";
import type { Format, Limits } from "./format.ts";
import type { Group, Values } from "./keys.ts";
import type { Findings } from "./problems.ts";
import { outputSchema } from "./schema-output.ts";
import { schema } from "./schema.ts";
import { readYaml } from "./yaml-file.ts";
import type { Given } from "./yaml-file.ts";

/**
 * The values of every key: default, then file, then environment. What does not fit is reported and left out; a file
 * that is not YAML throws at once, as everything in it would seem to be missing.
 */
export function readValues(text: string, environment: Environment, findings: Findings): ConfigValues {
  const given = readYaml(text, schema, { outputs: outputSchema }, findings) ?? findings.throwAll();
  return completeValues(given, environment, findings);
}

/** The values of every key, from what a file says: default, then file, then environment. */
export function completeValues(given: Given, environment: Environment, findings: Findings): ConfigValues {
  const values = overlay(schema, given, readEnvironment(schema, environment, "", findings));
  const listed = Array.isArray(given["outputs"]) ? (given["outputs"] as readonly Given[]) : [];
  return { ...values, outputs: readOutputs(listed, environment, findings) };
}

type OutputValues = Values<typeof outputSchema>;
export type ConfigValues = Omit<Values<typeof schema>, "outputs"> & {
  readonly outputs: readonly OutputValues[];
};

/** The environment describes one output: the only one listed, or one of its own where none is listed. */
function readOutputs(
  listed: readonly Given[],
  environment: Environment,
  findings: Findings,
): readonly OutputValues[] {
  const [first, ...others] = listed;
  if (others.length > 0) {
    for (const { key } of leavesOf(outputSchema))
      if (key.env !== undefined && environment[key.env] !== undefined)
        findings.add(
          key.env,
          `means the one output, but ${findings.file} lists ${listed.length}: set it there instead`,
        );
    return listed.map((output) => overlay(outputSchema, output, {}));
  }
  const fitting = readEnvironment(outputSchema, environment, "outputs[0].", findings);
  if (first === undefined && Object.keys(fitting).length === 0) return [];
  return [overlay(outputSchema, first ?? {}, fitting)];
}

/** Puts together default, file and environment: convict's part of the work. */
export function overlay<G extends Group>(group: G, given: Given, environment: Environment): Values<G> {
  convict.addFormats(convictFormats);
  const config = convict<Values<G>>(group as unknown as convict.Schema<Values<G>>, {
    env: environment,
    args: [],
  });
  for (const name of variantsInFile(group, environment)) removePath(given, name);
  config.load(given);
  return config.validate({ allowed: "strict" }).getProperties();
}

const convictFormats = Object.fromEntries(
  Object.entries<Format>(formats).map(([name, format]) => [
    name,
    {
      validate(value: unknown, leaf: convict.SchemaObj) {
        const key = leaf as Limits;
        if (!format.matches(value, key)) throw new Error(`expected ${format.expected(key)}`);
      },
      coerce: (value: string) => format.fromText(value),
    },
  ]),
);

/** A secret from the environment replaces one from the file in both spellings, `password` and `passwordFile`. */
function variantsInFile(group: Group, environment: Environment): string[] {
  const set = leavesOf(group).filter(
    ({ key }) => key.env !== undefined && environment[key.env] !== undefined,
  );
  return set.map(({ path }) => (path.endsWith("File") ? path.slice(0, -"File".length) : `${path}File`));
}

function removePath(given: Given, path: string): void {
  const [name = "", ...rest] = path.split(".");
  const child = given[name];
  if (rest.length === 0) delete given[name];
  else if (typeof child === "object" && child !== null) removePath(child as Given, rest.join("."));
}

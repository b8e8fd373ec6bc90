import { readFileIfThere } from "../lib/atomic-file.ts";
import { leavesOf } from "./environment.ts";
import type { Environment } from "./environment.ts";
import { usualPlaces } from "./load.ts";
import { Findings } from "./problems.ts";
import { outputSchema } from "./schema-output.ts";
import { schema } from "./schema.ts";
import { readYaml } from "./yaml-file.ts";
import type { Given } from "./yaml-file.ts";

/** Where a configuration keeps its secrets. */
export interface SecretPlaces {
  /** The configuration file itself; undefined where there is none. */
  readonly file: string | undefined;
  /** Keys of secrets that stand in it. */
  readonly inline: readonly string[];
  /** Files that hold one secret each, by their keys. */
  readonly files: readonly { readonly key: string; readonly path: string }[];
}

/** Finds them without reading any secret out. Total but for the file system's error when the file cannot be read. */
export async function findSecrets(
  path?: string,
  environment: Environment = process.env,
): Promise<SecretPlaces> {
  for (const file of path === undefined ? usualPlaces : [path]) {
    const text = await readFileIfThere(file);
    if (text !== undefined) return { file, ...secretsIn(text, environment) };
  }
  return { file: undefined, ...secretsIn("", environment) };
}

/** The same of the text of a file. Total. */
export function secretsIn(text: string, environment: Environment): Omit<SecretPlaces, "file"> {
  const given = readYaml(text, schema, { outputs: outputSchema }, new Findings("")) ?? {};
  const outputs = Array.isArray(given["outputs"]) ? (given["outputs"] as readonly Given[]) : [{}];
  const groups = [
    { group: schema, values: given, prefix: "" },
    ...outputs.map((values, index) => ({ group: outputSchema, values, prefix: `outputs[${index}].` })),
  ];
  const [inline, files]: [string[], { key: string; path: string }[]] = [[], []];
  for (const { group, values, prefix } of groups) {
    const leaves = leavesOf(group);
    for (const { path } of leaves.filter(({ key }) => key.sensitive)) {
      if (valueAt(values, path) !== undefined) inline.push(prefix + path);
      const fileKey = leaves.find((leaf) => leaf.path === `${path}File`);
      const file = valueAt(values, `${path}File`) ?? environment[fileKey?.key.env ?? ""];
      if (fileKey !== undefined && typeof file === "string" && file !== "")
        files.push({ key: prefix + fileKey.path, path: file });
    }
  }
  return { inline, files };
}

function valueAt(values: Given, path: string): unknown {
  let value: unknown = values;
  for (const name of path.split(".")) value = (value as Given | undefined)?.[name];
  return value ?? undefined;
}

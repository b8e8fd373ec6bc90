import { Fault, toFault } from "../domain/fault.ts";
import { readFileIfThere } from "../lib/atomic-file.ts";
import { buildConfig } from "./build.ts";
import type { Config } from "./config.ts";
import { findUnknownVariables, forgetSecrets } from "./environment.ts";
import type { Environment } from "./environment.ts";
import type { Group } from "./keys.ts";
import { Findings } from "./problems.ts";
import { outputSchema } from "./schema-output.ts";
import { schema } from "./schema.ts";
import { readValues } from "./values.ts";

/** Where a configuration file is looked for when none is named. */
export const usualPlaces: readonly string[] = ["/etc/spotlive/spotlive.yaml", "spotlive.yaml"];

/** Every group that environment variables stand for. */
export const groups: readonly Group[] = [schema, outputSchema];

/**
 * Loads the configuration: `path`, else the first of the usual places that exists, else the environment alone; an
 * environment variable wins over the file. Secrets are taken out of `environment`, so that no child inherits them.
 * Rejects with one `Fault` (`config-invalid`) that names every problem with file, line, key, expected and got.
 */
export async function loadConfig(path?: string, environment: Environment = process.env): Promise<Config> {
  const { text, file } = await readConfigText(path);
  return await parseConfig(text, file, environment);
}

/** The text of the configuration file, empty where none is named and there is none; `file` is for messages. */
export async function readConfigText(
  path: string | undefined,
): Promise<{ readonly text: string; readonly file: string }> {
  for (const file of path === undefined ? usualPlaces : [path]) {
    const text = await readIfThere(file);
    if (text !== undefined) return { text, file };
  }
  if (path !== undefined) throw new Fault("config-invalid", `There is no configuration file ${path}.`);
  return { text: "", file: `(no configuration file: ${usualPlaces.join(", ")})` };
}

/** Checks the text of a configuration file called `file`, with the environment on top of it. */
export async function parseConfig(text: string, file: string, environment: Environment): Promise<Config> {
  try {
    const config = await checkConfig(text, environment, new Findings(file));
    forgetSecrets(groups, environment);
    return config;
  } catch (error) {
    throw toFault(error, "config-invalid", `${file} cannot be read as a configuration`);
  }
}

/** Checks without a change to the environment; `findings` has every problem where it rejects. */
export async function checkConfig(
  text: string,
  environment: Environment,
  findings: Findings,
): Promise<Config> {
  const values = readValues(text, environment, findings);
  findUnknownVariables(groups, environment, findings);
  return await buildConfig(values, environment, findings);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFileIfThere(path);
  } catch (error) {
    throw toFault(error, "config-invalid", `The configuration file ${path} cannot be read`);
  }
}

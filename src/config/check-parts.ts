import { Fault } from "../domain/fault.ts";
import type { Config } from "./config.ts";
import { checkConfig } from "./load.ts";
import { Findings } from "./problems.ts";

/**
 * A configuration of these keys alone, without file or environment, to try a part of it out. Throws `usage` with what is
 * wrong, by the paths of the keys.
 */
export async function configOf(keys: Readonly<Record<string, unknown>>): Promise<Config> {
  const findings = new Findings("");
  try {
    return await checkConfig(JSON.stringify(keys), {}, findings); // JSON is YAML
  } catch (error) {
    if (findings.problems.length === 0) throw error;
    const lines = findings.problems.map(({ path = "", text }) => (path === "" ? text : `${path}: ${text}`));
    throw new Fault("usage", `It cannot be tried out. ${lines.join("; ")}`, { cause: error });
  }
}

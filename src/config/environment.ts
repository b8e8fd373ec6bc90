import { describe, didYouMean } from "./problems.ts";
import type { Findings } from "./problems.ts";
import { formatOf, isKey } from "./keys.ts";
import type { Group, Key } from "./keys.ts";

/** Environment variables by name, as in `process.env`. */
export type Environment = Record<string, string | undefined>;

const prefix = "SPOTLIVE_";

/** One key with its path in the schema, like `spot.tls.caFile`. */
export interface Leaf {
  readonly path: string;
  readonly key: Key<unknown>;
}

/** Lists the keys of a group and of the groups in it, in their order. */
export function leavesOf(group: Group, path = ""): Leaf[] {
  return Object.entries(group).flatMap(([name, node]) =>
    isKey(node) ? [{ path: path + name, key: node }] : leavesOf(node, `${path}${name}.`),
  );
}

/**
 * Picks the variables of a group that are set (an empty one counts as not set) and fit; the others go to `findings`.
 * `path` is the place of the group in the configuration: `outputs[0].`, or nothing for the whole.
 */
export function readEnvironment(
  group: Group,
  environment: Environment,
  path: string,
  findings: Findings,
): Environment {
  const fitting: Environment = {};
  for (const { path: keyPath, key } of leavesOf(group)) {
    const given = key.env === undefined ? undefined : environment[key.env];
    if (key.env === undefined || given === undefined || given === "") continue;
    findings.place(path + keyPath, key.env);
    const format = formatOf(key);
    if (format.matches(format.fromText(given), key)) fitting[key.env] = given;
    else findings.add(key.env, `expected ${format.expected(key)}, got ${describe(given, key.sensitive)}`);
  }
  return fitting;
}

/** Finds variables with our prefix that mean nothing: a misspelt one would otherwise be ignored in silence. */
export function findUnknownVariables(
  groups: readonly Group[],
  environment: Environment,
  findings: Findings,
): void {
  const known = groups.flatMap((group) => leavesOf(group).flatMap(({ key }) => key.env ?? []));
  for (const name of Object.keys(environment)) {
    if (name.startsWith(prefix) && !known.includes(name))
      findings.add(name, `there is no such environment variable.${didYouMean(name, known)}`);
  }
}

/** Takes the secrets out of the environment, so that no child process inherits them. */
export function forgetSecrets(groups: readonly Group[], environment: Environment): void {
  for (const group of groups)
    for (const { key } of leavesOf(group))
      if (key.sensitive && key.env !== undefined) delete environment[key.env];
}

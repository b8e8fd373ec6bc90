import type { Findings } from "./problems.ts";
import type { ConfigValues } from "./values.ts";

/** The interfaces that lead to the internet: each once, and not the robot's. What is wrong goes to `findings`. */
export function buildUplinks(
  { uplinks, spot }: Pick<ConfigValues, "uplinks" | "spot">,
  findings: Findings,
): readonly string[] {
  const names = uplinks as readonly string[];
  for (const [index, name] of names.entries()) {
    const what = name === spot.interface ? ", which is the robot's" : " again";
    if (name === spot.interface || names.indexOf(name) < index)
      findings.addAt(`uplinks[${index}]`, `expected another interface, got ${name}${what}`);
  }
  return names;
}

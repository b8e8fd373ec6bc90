import { Fault } from "../domain/fault.ts";
import type { BoardFacts } from "./facts.ts";
import type { LoadedProfile } from "./profile.ts";
import type { Root } from "./root.ts";

/** Which profile fits, and why every other one does not. */
export interface ProfileChoice {
  readonly chosen: LoadedProfile;
  readonly why: string;
  readonly others: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * How specific a match is, most telling first: the place of the string in the board's own list, which goes from the
 * board to the chip; then how many further things had to hold.
 */
interface Match {
  readonly loaded: LoadedProfile;
  readonly rank: readonly [place: number, criteria: number];
  readonly why: string;
}

/** Below every place that a string of a device tree can have. */
const noPlace = 1_000_000;

/**
 * Chooses the profile that fits most specifically; of two that fit equally, the one whose name comes first. Throws a
 * `Fault` (`config-invalid`) when none fits, which a profile without conditions (`software`) prevents.
 */
export async function chooseProfile(
  facts: BoardFacts,
  root: Root,
  profiles: readonly LoadedProfile[],
): Promise<ProfileChoice> {
  const tried = await Promise.all(profiles.map((loaded) => matchProfile(facts, root, loaded)));
  const matches = tried.filter((outcome) => typeof outcome !== "string");
  const [best] = matches.toSorted(
    (a, b) =>
      a.rank[0] - b.rank[0] ||
      b.rank[1] - a.rank[1] ||
      a.loaded.profile.name.localeCompare(b.loaded.profile.name),
  );
  if (best === undefined)
    throw new Fault("config-invalid", "No hardware profile fits this board, not even software.");
  const others = tried.flatMap((outcome, index) => {
    const name = profiles[index]?.profile.name ?? "";
    if (outcome === best) return [];
    const reason =
      typeof outcome === "string" ? outcome : `It fits too (${outcome.why}), but less specifically.`;
    return [{ name, reason }];
  });
  return { chosen: best.loaded, why: best.why, others };
}

/** Gives why it does not fit, as text. */
async function matchProfile(facts: BoardFacts, root: Root, loaded: LoadedProfile): Promise<Match | string> {
  const { compatible, cpuVendors, dmi, devices } = loaded.profile.match;
  const reasons: string[] = [];
  let place = noPlace;
  if (compatible !== undefined) {
    place = facts.compatible.findIndex((text) => compatible.includes(text));
    if (place < 0)
      return facts.compatible.length === 0
        ? "The machine has no device tree."
        : "None of its device-tree strings is the board's.";
    reasons.push(`the device tree says ${facts.compatible[place] ?? ""}`);
  }
  if (cpuVendors !== undefined) {
    const vendor = cpuVendors.find((vendor) => facts.cpuVendors.includes(vendor));
    if (vendor === undefined) return `The processor is not of ${cpuVendors.join(" or ")}.`;
    reasons.push(`the processor is of ${vendor}`);
  }
  for (const [file, wanted] of Object.entries(dmi)) {
    const value = facts.dmi[file];
    if (value === undefined || (wanted !== "*" && value !== wanted))
      return `DMI ${file} is ${value ?? "absent"}, not ${wanted}.`;
    reasons.push(`DMI ${file} is ${value}`);
  }
  for (const alternatives of devices) {
    const found = await findDevice(root, alternatives);
    if (found === undefined) return `${alternatives.join(" or ")} does not exist.`;
    reasons.push(`${found} exists`);
  }
  const why = reasons.length === 0 ? "it fits every machine" : reasons.join(", ");
  return { loaded, rank: [place, reasons.length], why };
}

/** The first existing path of the alternatives. */
export async function findDevice(root: Root, alternatives: readonly string[]): Promise<string | undefined> {
  for (const pattern of alternatives) {
    const [found] = await root.expand(pattern);
    if (found !== undefined) return found;
  }
  return undefined;
}

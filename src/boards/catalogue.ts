import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Fault, toFault } from "../domain/fault.ts";
import { productFile } from "../lib/product-files.ts";
import { parseProfile } from "./profile.ts";
import type { LoadedProfile } from "./profile.ts";

/** The profiles that come with the product. */
export const shippedProfiles = productFile("hardware-profiles");

/** The profile that every other one ends with. */
export const softwareName = "software";

/**
 * Reads every `*.yaml` of a folder. Rejects with a `Fault` (`config-invalid`) when one of them is wrong, when the
 * folder cannot be read, or when `software.yaml` with a chain is not among them.
 */
export async function loadProfiles(directory = shippedProfiles): Promise<readonly LoadedProfile[]> {
  try {
    const names = (await readdir(directory)).filter((name) => name.endsWith(".yaml"));
    const profiles = await Promise.all(
      names.toSorted().map(async (name) => {
        const file = join(directory, name);
        return parseProfile(await readFile(file, "utf8"), file);
      }),
    );
    softwareOf(profiles);
    return profiles;
  } catch (error) {
    throw toFault(error, "config-invalid", `The hardware profiles in ${directory} cannot be read`);
  }
}

export function softwareOf(profiles: readonly LoadedProfile[]): LoadedProfile {
  const found = profiles.find(({ profile }) => profile.name === softwareName && profile.chains.length > 0);
  if (found === undefined)
    throw new Fault("config-invalid", `There is no hardware profile ${softwareName} with a chain.`);
  return found;
}

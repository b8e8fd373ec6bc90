import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkout, runTool } from "./tools.ts";

/** What Git says about the checkout. */
export interface Commit {
  readonly hash: string;
  /** Seconds since 1970. */
  readonly time: number;
  readonly tags: readonly string[];
  /** Files differ from the commit. */
  readonly modified: boolean;
}

/** undefined where there is no Git or no repository: an unpacked archive of the sources. */
async function readCommit(): Promise<Commit | undefined> {
  try {
    const [hash = "", time] = (await runTool("git", "log", "-1", "--abbrev=10", "--format=%h %ct")).split(
      " ",
    );
    const tags = (await runTool("git", "tag", "--points-at", "HEAD")).split("\n");
    const changes = await runTool("git", "status", "--porcelain");
    return { hash, time: Number(time), tags, modified: changes !== "" };
  } catch {
    return undefined;
  }
}

/**
 * The version of a build, fit for npm and for Debian: the release alone where the commit has its tag (`v0.1.0`), else
 * with the commit's time, so that later is newer, and its hash.
 */
export function buildVersion(release: string, commit: Commit | undefined): string {
  if (commit === undefined) return `${release}+unknown`;
  const { hash, time, tags, modified } = commit;
  if (tags.includes(`v${release}`) && !modified) return release;
  const stamp = new Date(time * 1000).toISOString().replaceAll(/[-:]|\.\d+Z$/g, "");
  return `${release}+git${stamp}.${hash}${modified ? ".modified" : ""}`;
}

export interface Build {
  readonly version: string;
  /** The one time that files and archives of the build carry, in seconds since 1970 (SOURCE_DATE_EPOCH). */
  readonly time: number;
}

export async function readBuild(): Promise<Build> {
  const text = await readFile(join(checkout, "package.json"), "utf8");
  const { version } = JSON.parse(text) as { readonly version: string };
  const commit = await readCommit();
  return { version: buildVersion(version, commit), time: commit?.time ?? 0 };
}

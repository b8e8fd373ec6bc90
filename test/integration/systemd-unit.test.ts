import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const unitPath = new URL("../../systemd/spotlive.service", import.meta.url).pathname;
const analyze = (...argv: readonly string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)("systemd-analyze", argv);

let folder: string;
let unit: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "unit-"));
  unit = await readFile(unitPath, "utf8");
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** All values of a setting, in words. */
const wordsOf = (name: string): readonly string[] =>
  [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].flatMap(([, value = ""]) => value.split(" "));

describe("spotlive.service", () => {
  it("is a unit without a fault", async () => {
    const path = join(folder, "spotlive.service");
    // The program and its guide are not installed where this runs.
    await writeFile(
      path,
      unit.replace(/^ExecStart=.*$/m, "ExecStart=/bin/true").replace(/^Documentation=.*\n/m, ""),
    );
    const { stdout, stderr } = await analyze("verify", path);
    expect(stdout + stderr).toBe("");
  });

  it("exposes the machine no more than 2.5 of 10", async () => {
    const { stdout } = await analyze("security", "--offline=yes", "--threshold=25", unitPath);
    expect(stdout).toContain("Overall exposure level for spotlive.service");
  });

  it("waits for units that exist", () => {
    const names = [...wordsOf("After"), ...wordsOf("Wants"), ...wordsOf("WantedBy")];
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) expect(existsSync(`/lib/systemd/system/${name}`), name).toBe(true);
  });

  it("leaves the program what it needs", () => {
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute=/m);
    expect(unit).not.toMatch(/^ProcSubset=/m);
    expect(wordsOf("NotifyAccess")).toEqual(["all"]);
    expect(wordsOf("RestrictAddressFamilies")).toEqual(["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"]);
    expect(wordsOf("Restart")).toEqual(["always"]);
    expect(wordsOf("StartLimitIntervalSec")).toEqual(["0"]);
  });
});

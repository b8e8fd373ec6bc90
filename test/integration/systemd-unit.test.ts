import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const pathOf = (name: string): string => new URL(`../../systemd/${name}`, import.meta.url).pathname;
const analyze = (...argv: readonly string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)("systemd-analyze", argv);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "unit-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** All values of a setting, in words. */
const wordsOf = (unit: string, name: string): readonly string[] =>
  [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].flatMap(([, value = ""]) => value.split(" "));

describe.each(["spotlive.service", "spotlive-uplinks.service"])("%s", async (name) => {
  const unit = await readFile(pathOf(name), "utf8");

  it("is a unit without a fault", async () => {
    const path = join(folder, name);
    // The program and its guide are not installed where this runs.
    await writeFile(
      path,
      unit.replace(/^ExecStart=.*$/m, "ExecStart=/bin/true").replace(/^Documentation=.*\n/m, ""),
    );
    const { stdout, stderr } = await analyze("verify", path);
    expect(stdout + stderr).toBe("");
  });

  it("exposes the machine no more than 2.5 of 10", async () => {
    const { stdout } = await analyze("security", "--offline=yes", "--threshold=25", pathOf(name));
    expect(stdout).toContain(`Overall exposure level for ${name}`);
  });

  it("waits for units that exist", () => {
    const names = ["After", "Wants", "WantedBy"].flatMap((setting) => wordsOf(unit, setting));
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) expect(existsSync(`/lib/systemd/system/${name}`), name).toBe(true);
  });

  it("leaves the program what it needs", () => {
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute=/m);
    expect(unit).not.toMatch(/^ProcSubset=/m);
    expect(wordsOf(unit, "RestrictAddressFamilies")).toEqual([
      "AF_INET",
      "AF_INET6",
      "AF_UNIX",
      "AF_NETLINK",
    ]);
    expect(wordsOf(unit, "StartLimitIntervalSec")).toEqual(["0"]);
  });
});

it("keeps spotlive up, and hears its children", async () => {
  const unit = await readFile(pathOf("spotlive.service"), "utf8");
  expect(wordsOf(unit, "NotifyAccess")).toEqual(["all"]);
  expect(wordsOf(unit, "Restart")).toEqual(["always"]);
});

it("gives what looks after the uplinks one right of root's", async () => {
  const unit = await readFile(pathOf("spotlive-uplinks.service"), "utf8");
  expect(wordsOf(unit, "CapabilityBoundingSet")).toEqual(["CAP_NET_ADMIN"]);
  expect(wordsOf(unit, "Restart")).toEqual(["on-failure"]);
});

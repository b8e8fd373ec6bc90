import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { access, constants, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const pathOf = (name: string): string => new URL(`../../systemd/${name}`, import.meta.url).pathname;
const checkout = new URL("../..", import.meta.url).pathname;
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

describe("the units of a device", () => {
  const systemd = join(checkout, "systemd");
  const textOf = (path: string): Promise<string> => readFile(join(systemd, path), "utf8");

  it("are without a fault", async () => {
    const copies = join(folder, "device");
    const added = ["spotlive.service.d", "spotlive-uplinks.service.d"];
    for (const name of added) await mkdir(join(copies, name), { recursive: true });
    const services = ["spotlive", "spotlive-adopt", "spotlive-boot-report", "spotlive-uplinks"];
    const names = services.map((name) => `${name}.service`);
    const all = [...names, "spotlive-boot-report.path", "device/var-lib-spotlive.mount"];
    for (const path of [...all, ...added.map((name) => `device/${name}/10-device.conf`)]) {
      // Programs and guides are not installed where this runs.
      const text = (await textOf(path))
        .replaceAll(/^(Exec\w+=)[+-]*\/.*$/gm, "$1/bin/true")
        .replaceAll(/^Documentation=.*\n/gm, "");
      await writeFile(join(copies, path.replace("device/", "")), text);
    }
    const files = all.map((path) => join(copies, basename(path)));
    const { stdout, stderr } = await analyze("verify", "--recursive-errors=no", ...files);
    expect(stdout + stderr).toBe("");
  });

  it("name programs that are there and can be run", async () => {
    const texts = await Promise.all(
      [
        "spotlive-adopt.service",
        "spotlive-boot-report.service",
        "device/spotlive.service.d/10-device.conf",
      ].map(textOf),
    );
    const named = texts.join("\n").matchAll(/\/usr\/lib\/spotlive\/(systemd\/device\/[\w-]+)/g);
    const programs = new Set([...named].map(([, path = ""]) => path));
    expect([...programs].toSorted()).toEqual([
      "systemd/device/close-boot-partition",
      "systemd/device/keep-boot-report",
      "systemd/device/note-end",
      "systemd/device/pace-boot-report",
    ]);
    for (const path of programs) {
      await access(join(checkout, path), constants.X_OK);
      await promisify(execFile)("sh", ["-n", join(checkout, path)]);
    }
  });
});

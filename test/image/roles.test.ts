import { execFile } from "node:child_process";
import { lstat, readFile, readdir, readlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packDeb } from "../../image/deb/pack.ts";
import { checkout } from "../../image/deb/tools.ts";
import { debianBase } from "../../image/disk/base.ts";
import { findBoard } from "../../image/disk/boards.ts";
import { provision } from "../../image/disk/provision.ts";
import { openWorkshop, unpackRoot } from "../../image/disk/tree.ts";
import type { Workshop } from "../../image/disk/tree.ts";

const run = promisify(execFile);
const board = findBoard("generic-amd64");
const makersUnit = "etc/systemd/system/man-db.timer";

describe("the playbook", () => {
  it("has nothing to be said about it by ansible-lint's strictest profile", async () => {
    const argv = ["--offline", "--nocolor", "--profile", "production"];
    const { stderr } = await run("ansible-lint", argv, { cwd: join(checkout, "ansible") });
    expect(stderr).toContain("Passed with production profile");
  });
});

describe("a root that the playbook was run on", { timeout: 900_000 }, () => {
  let workshop: Workshop;
  let changes: readonly number[];
  beforeAll(async () => {
    if (board.debian === undefined) throw new Error("generic-amd64 is made from Debian.");
    const base = await debianBase(board.architecture, board.debian);
    workshop = await openWorkshop();
    await unpackRoot(base.path, workshop.tree);
    // As some makers do it.
    await writeFile(join(workshop.tree, makersUnit), "[Timer]\nOnBootSec=1\n");
    // As old as the lists of a root can be; it has every package, and the archive is not to be asked.
    await utimes(join(workshop.tree, "var/lib/apt/lists"), 0, 0);
    const { architecture } = board;
    const deb = await packDeb({ architecture, folder: workshop.folder, compression: "none" });
    const wanted = { ...workshop, board, groups: [], deb };
    changes = [await provision(wanted), await provision(wanted)];
  }, 900_000);
  afterAll(async () => {
    await workshop[Symbol.asyncDispose]();
  });
  const read = (path: string): Promise<string> => readFile(join(workshop.tree, path), "utf8");

  it("is changed by the first run and not by the second", () => {
    expect(changes[0]).toBeGreaterThan(20);
    expect(changes[1]).toBe(0);
  });

  it("starts what makes the product, and nothing that waits for links", async () => {
    const { stdout } = await run("systemctl", [
      "--root",
      workshop.tree,
      "list-unit-files",
      "--no-legend",
      "--no-pager",
    ]);
    const states = new Map(stdout.split("\n").map((line) => [line.split(/\s+/)[0], line.split(/\s+/)[1]]));
    for (const unit of ["spotlive-adopt.service", "spotlive.service", "spotlive-boot-report.path"])
      expect(states.get(unit), unit).toBe("enabled");
    for (const unit of [
      "systemd-networkd.service",
      "nftables.service",
      "ssh.service",
      "systemd-timesyncd.service",
    ])
      expect(states.get(unit), unit).toBe("enabled");
    for (const unit of ["systemd-networkd-wait-online.service", "systemd-time-wait-sync.service"])
      expect(states.get(unit), unit).toBe("masked");
  });

  it("lets nothing start that it masks, even where a maker has put a unit of its own there", async () => {
    expect(await readlink(join(workshop.tree, makersUnit))).toBe("/dev/null");
  });

  it("was made without asking the archive", async () => {
    const names = await readdir(join(workshop.tree, "var/lib/apt/lists"));
    expect(names.filter((name) => name.endsWith("Release"))).toEqual([]);
  });

  it("has units that systemd understands, and a firewall that nft does", async () => {
    const units = [
      "spotlive.service",
      "spotlive-adopt.service",
      "spotlive-grow.service",
      "spotlive-ssh-keys.service",
    ];
    const verify = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", ...units];
    const { stderr } = await run("chroot", [workshop.tree, ...verify]);
    expect(stderr.split("\n").filter((line) => line.includes("spotlive"))).toEqual([]);
    await run("unshare", [
      "--net",
      "chroot",
      workshop.tree,
      "nft",
      "--check",
      "--file",
      "/etc/nftables.conf",
    ]);
  });

  it("lets nobody in with a password, nor with a key that other devices have", async () => {
    const shadow = (await read("etc/shadow")).split("\n").filter(Boolean);
    expect(shadow.filter((line) => !/^[^:]+:[!*]/.test(line))).toEqual([]);
    expect(await read("etc/ssh/sshd_config")).toMatch(/^PasswordAuthentication no$/m);
    const { stdout } = await run("find", [join(workshop.tree, "etc/ssh"), "-name", "ssh_host_*"]);
    expect(stdout).toBe("");
  });

  it("keeps the journal in memory and the watchdog on", async () => {
    expect(await read("etc/systemd/journald.conf.d/60-spotlive.conf")).toMatch(/^Storage=volatile$/m);
    expect(await read("etc/systemd/system.conf.d/60-spotlive.conf")).toMatch(/^RuntimeWatchdogSec=30$/m);
    expect((await lstat(join(workshop.tree, "etc/machine-id"))).size).toBe(0);
    expect(await readlink(join(workshop.tree, "etc/systemd/system/apt-daily.timer"))).toBe("/dev/null");
  });

  it("carries no secret and nothing of the machine that it was made on", async () => {
    expect(await read("etc/hostname")).toBe("spotlive\n");
    const { stdout } = await run("find", [
      join(workshop.tree, "etc/spotlive"),
      "-type",
      "f",
      "-printf",
      "%f\n",
    ]);
    expect(stdout.split("\n").filter(Boolean).toSorted()).toEqual(["device.env", "spotlive.example.yaml"]);
  });
});

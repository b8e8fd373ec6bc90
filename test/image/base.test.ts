import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { suite } from "../../image/deb/debian-files.ts";
import { mmdebstrapArguments } from "../../image/disk/base.ts";

const run = promisify(execFile);

/** What dpkg's own book says is on this machine. */
const installedHere = async (): Promise<string> => (await run("dpkg-query", ["--list"])).stdout;

it(
  "a base gets what is wanted of the backports, and the machine that builds gets nothing",
  { timeout: 300_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "base-"));
    try {
      const before = await installedHere();
      const tar = join(folder, "base.tar");
      const wanted = { architecture: "amd64", packages: ["kmod"], backports: ["linux-base"] } as const;
      await run("mmdebstrap", [...mmdebstrapArguments(wanted), suite, tar], { maxBuffer: 1 << 26 });
      const { stdout } = await run("tar", ["-xOf", tar, "./var/lib/dpkg/status"], { maxBuffer: 1 << 26 });
      expect(stdout).toMatch(
        /^Package: linux-base\nStatus: install ok installed\n[^]*?^Version: .*~bpo\d+\+/m,
      );
      expect(await installedHere()).toBe(before);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

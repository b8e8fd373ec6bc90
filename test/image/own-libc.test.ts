import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { packDeb } from "../../image/deb/pack.ts";
import { ensureRuns } from "../../image/disk/emulation.ts";

const run = promisify(execFile);
const architecture = "arm64";
const reason = await ensureRuns(architecture).then(
  () => undefined,
  (error: unknown) => String(error),
);
if (reason !== undefined) console.warn(`A package with its own C library is not tested. ${reason}`);

describe.skipIf(reason !== undefined)("a package for a system whose C library is too old", () => {
  it("runs where there is nothing else, and tells its version", async () => {
    const folder = await mkdtemp(join(tmpdir(), "own-libc-"));
    try {
      const deb = await packDeb({ architecture, folder, compression: "none", ownLibc: true });
      const root = join(folder, "root");
      await run("dpkg-deb", ["-x", deb, root]);
      const home = "/usr/lib/spotlive";
      const { stdout } = await run("chroot", [
        root,
        `${home}/bin/node`,
        `${home}/src/spotlive.mjs`,
        "--version",
      ]);
      const { stdout: version } = await run("dpkg-deb", ["-f", deb, "Version"]);
      expect(stdout).toBe(`spotlive ${version}`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

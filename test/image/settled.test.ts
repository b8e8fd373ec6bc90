import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { checkout } from "../../image/deb/tools.ts";

const script = join(checkout, "ansible/roles/base/files/spotlive-settled");
/** A slow board loads for longer before the service tells anything. */
const patienceMs = 4500;

interface Run {
  readonly folder: string;
  readonly child: ChildProcess;
  /** Exit status and signal. */
  readonly ended: Promise<unknown[]>;
}

/** Runs the script in a mount namespace of its own, where /run has these folders alone. */
async function start(folders: readonly string[]): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), "settled-"));
  const mounted = 'mount --bind "$1" /run && exec sh "$2"';
  for (const name of folders) await mkdir(join(folder, name));
  const argv = ["--mount", "--propagation", "private", "sh", "-euc", mounted, "sh", folder, script];
  const child = spawn("unshare", argv, { stdio: "inherit" });
  const ended = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
    await rm(folder, { recursive: true });
  });
  return { folder, child, ended };
}

describe("what the line does not need", () => {
  it("waits for a line that tells nothing for long, until an ingest has accepted it", async () => {
    const { folder, child, ended } = await start(["spotlive"]);
    await sleep(patienceMs);
    await writeFile(join(folder, "spotlive/boot.json"), '{"marks":{"kernel":0,"ready":7.1}}\n');
    await sleep(1500);
    expect(child.exitCode).toBeNull();
    await writeFile(join(folder, "spotlive/boot.json"), '{"marks":{"ready":7.1,"rtmp-accepted":9.5}}\n');
    expect(await ended).toEqual([0, null]);
  });

  it("does not wait where there is no line", async () => {
    const { ended } = await start([]);
    expect(await ended).toEqual([0, null]);
  });
});

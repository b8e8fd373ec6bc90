import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serveSocket } from "../../src/control/socket.ts";
import type { Submit } from "../../src/domain/command.ts";
import { Fault, summarize } from "../../src/domain/fault.ts";
import type { Status } from "../../src/domain/status.ts";

const bin = fileURLToPath(new URL("../../src/spotlive.mjs", import.meta.url));
const canary = "live_canary_58fe";

interface Outcome {
  readonly code: number | string | null | undefined;
  readonly out: string;
  readonly err: string;
}

/** Runs the program as a user does, with nothing in its environment but what is given. */
function spotlive(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [bin, ...args],
      { cwd: folder, env: { HOME: folder, ...environment } },
      (error, out, err) => resolve({ code: error === null ? 0 : error.code, out, err }),
    );
  });
}

const idle: Status = {
  phase: "idle",
  reason: "Nobody asked for a stream.",
  desired: "idle",
  locked: false,
  settings: { destinations: ["main"], bitrateCap: null, audio: "silent" },
  sinceSeconds: 1,
  source: { name: "spot", state: "idle", fps: 0, bitsPerSecond: 0 },
  path: "copy",
  outputs: [],
  notices: [],
};

let folder: string;
let controller: AbortController;
let serving: Promise<void>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-"));
  controller = new AbortController();
  serving = Promise.resolve();
});
afterEach(async () => {
  controller.abort();
  await serving;
  await rm(folder, { recursive: true });
});

async function serve(path: string, submit: Submit): Promise<void> {
  serving = serveSocket({ path, submit, status: () => idle }, controller.signal);
  await expect
    .poll(() => spotlive(["status", "--socket", path]), { timeout: 10_000 })
    .toMatchObject({ code: 0 });
}

describe("the program", () => {
  it("ends with 0, 1 or 2, and writes faults to standard error alone", async () => {
    expect(await spotlive(["--version"])).toMatchObject({ code: 0, err: "" });
    expect(await spotlive(["status", "--socket", join(folder, "none")])).toMatchObject({ code: 1, out: "" });
    expect(await spotlive(["fly"])).toMatchObject({ code: 2, out: "" });
  });

  /** Where spotlive is installed, that configuration would be found first. */
  const installed = existsSync("/etc/spotlive/spotlive.yaml");

  it.skipIf(installed)(
    "takes its configuration from the environment alone, and refuses an incomplete one",
    async () => {
      const environment = {
        SPOTLIVE_SOURCE: "file",
        SPOTLIVE_FILE_PATH: "a.h264",
        SPOTLIVE_STREAM_KEY: canary,
      };
      expect(await spotlive(["check-config"], environment)).toEqual({
        code: 0,
        out: "The configuration is right: source file, outputs main (twitch).\n",
        err: "",
      });
      const { code, err } = await spotlive(["check-config"], { SPOTLIVE_STREAM_KEY: canary });
      expect(code).toBe(2);
      expect(err).toContain("no configuration file: /etc/spotlive/spotlive.yaml, spotlive.yaml");
      expect(err).not.toContain(canary);
    },
  );

  it.skipIf(installed)("finds the configuration in the working directory", async () => {
    await writeFile(join(folder, "spotlive.yaml"), "source: file\nfile: { path: a.h264 }\n");
    expect(await spotlive(["check-config"])).toMatchObject({
      code: 0,
      out: expect.stringContaining("outputs none"),
    });
  });

  it("speaks to the running one through its socket", async () => {
    const path = join(folder, "control.sock");
    const asked: string[] = [];
    await serve(path, ({ id, command }) => {
      asked.push(command.kind);
      if (command.kind === "start") return Promise.resolve({ ok: true, id, status: idle });
      return Promise.resolve({
        ok: false,
        id,
        fault: summarize(new Fault("expired", "That came too late.")),
      });
    });
    const socket = { SPOTLIVE_SOCKET_PATH: path };
    expect(await spotlive(["status"], socket)).toMatchObject({
      out: expect.stringMatching(/^idle for 1 s: Nobody asked/),
    });
    const { out } = await spotlive(["status", "--json", "--socket", path]);
    expect(JSON.parse(out)).toEqual(idle);
    expect(await spotlive(["start"], socket)).toMatchObject({ code: 0 });
    expect(await spotlive(["stop"], socket)).toEqual({
      code: 1,
      out: "",
      err: "spotlive: That came too late.\n",
    });
    expect(asked).toEqual(["start", "stop"]);
  });

  it("ends quietly when its reader goes away", async () => {
    const child = spawn(process.execPath, [bin, "--help"], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    let err = "";
    child.stderr.on("data", (chunk) => (err += String(chunk)));
    await once(child, "close");
    expect(err).toBe("");
  });
});

describe("an older Node", () => {
  it("is told in one line what is wanted", async () => {
    // The version is what the program looks at, so it is the one thing that is changed.
    const pretend = join(folder, "pretend.cjs");
    await writeFile(pretend, 'Object.defineProperty(process.versions, "node", { value: "20.20.2" });');
    const outcome = await new Promise<Outcome>((resolve) => {
      execFile(process.execPath, ["--require", pretend, bin, "status"], (error, out, err) =>
        resolve({ code: error?.code, out, err }),
      );
    });
    expect(outcome).toMatchObject({ code: 1, out: "" });
    expect(outcome.err).toMatch(/^spotlive needs Node 24 or newer, and this is Node 20\.20\.2\..*\n$/);
  });
});

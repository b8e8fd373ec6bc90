import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../src/cli.ts";
import type { Status } from "../../src/domain/status.ts";
import { formatStatus } from "../../src/verbs/status-text.ts";

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function spotlive(...args: string[]): Promise<Outcome> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCli(args, {
    print: (line) => out.push(line),
    printError: (line) => err.push(line),
    signal: new AbortController().signal,
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("the command line", () => {
  it("tells every verb and the meaning of the exit status", async () => {
    const { code, out } = await spotlive("--help");
    expect(code).toBe(0);
    for (const verb of [
      "run",
      "demo",
      "simulate",
      "probe",
      "profile",
      "status",
      "start",
      "stop",
      "check-config",
      "doctor",
    ])
      expect(out).toMatch(new RegExp(`^ {2}${verb} `, "m"));
    expect(out).toContain("2 mistake in usage or configuration");
  });

  it("tells the options of one verb", async () => {
    const { code, out } = await spotlive("probe", "--help");
    expect(code).toBe(0);
    expect(out).toMatch(/--config PATH .*\n.*--seconds N .*\n.*--json/);
  });

  it("tells its version", async () => {
    expect(await spotlive("--version")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^spotlive \d+\.\d+\.\d+$/),
    });
  });

  it.each([
    [[], "expected a verb, got nothing"],
    [
      ["fly"],
      'expected one of run, demo, simulate, probe, profile, doctor, status, start, stop, restart, set, camera, lock, unlock, twitch, check-config, adopt, uplinks, got "fly"',
    ],
    [["run", "--fast"], "run: Unknown option '--fast'"],
    [["run", "now"], "run: Unexpected argument 'now'"],
    [["check-config", "--config"], "check-config: Option '--config <value>' argument missing"],
    [["demo", "--seconds", "0"], '--seconds takes a whole number from 1 to 86400, got "0"'],
    [["demo", "--seconds", "1e9"], '--seconds takes a whole number from 1 to 86400, got "1e9"'],
    [["probe", "--seconds", "soon"], '--seconds takes a whole number from 1 to 3600, got "soon"'],
    [["simulate"], "simulate takes robot, ingest or broker, got nothing"],
    [["simulate", "moon"], "simulate takes robot, ingest or broker, got moon"],
    [["status", "--json=yes"], "status: Option '--json' does not take an argument"],
  ])("answers the mistake %j with one line, where help is, and status 2", async (args, message) => {
    expect(await spotlive(...args)).toEqual({
      code: 2,
      out: "",
      err: `spotlive: ${message} (spotlive --help tells how)`,
    });
  });

  it("answers a fault with status 1", async () => {
    const { code, err } = await spotlive("status", "--socket", join(folder, "none.sock"));
    expect(code).toBe(1);
    expect(err).toMatch(/^spotlive: spotlive is not running: nobody listens at .*none\.sock/);
  });
});

describe("check-config", () => {
  const check = async (yaml: string): Promise<Outcome> => {
    const path = join(folder, "spotlive.yaml");
    await writeFile(path, yaml);
    return await spotlive("check-config", "--config", path);
  };

  it("says what a right configuration asks for, without its secrets", async () => {
    const yaml = "source: file\nfile: { path: a.h264 }\noutputs: [{ name: stage, streamKey: live_canary }]";
    expect(await check(yaml)).toEqual({
      code: 0,
      out: "The configuration is right: source file, outputs stage (twitch).",
      err: "",
    });
  });

  it("names file, line, key, expected and got of every mistake, with status 2", async () => {
    const { code, err } = await check("source: file\nfile: { path: 7 }\nqueue:\n  byts: 1\n");
    expect(code).toBe(2);
    expect(err).toContain("spotlive.yaml:2: file.path: expected a text, got 7 (put it in quotes)");
    expect(err).toContain("spotlive.yaml:4: queue.byts: there is no such key. Did you mean bytes?");
  });

  it("says that a file is not there, with status 2", async () => {
    const { code, err } = await spotlive("check-config", "--config", join(folder, "none.yaml"));
    expect([code, err]).toEqual([
      2,
      `spotlive: There is no configuration file ${join(folder, "none.yaml")}.`,
    ]);
  });
});

describe("a status in words", () => {
  const status: Status = {
    phase: "retrying",
    reason: "No destination takes pictures.",
    desired: "live",
    locked: false,
    settings: { destinations: ["main"], bitrateCap: null, audio: "silent" },
    sinceSeconds: 200,
    source: { name: "spot", state: "running", fps: 29.97, bitsPerSecond: 8_100_000 },
    picture: { width: 1920, height: 1080, profile: "High 4.0" },
    path: "copy",
    verdict: {
      kind: "ask-camera",
      destination: "Twitch",
      findings: [
        { rule: "codec", text: "H.264." },
        { rule: "bit-rate", remedy: "camera", text: "8.10 Mbit/s; Twitch takes up to 6.00." },
      ],
      ask: { targetBitrate: 5_400_000 },
    },
    rate: { target: 4_000_000, ceiling: 5_400_000, reason: "As much as the uplink to main carries." },
    outputs: [
      {
        name: "main",
        state: "waiting",
        fault: { code: "output-unreachable", message: "Nobody answers.", retryable: true },
        retryInMs: 4200,
        queue: { units: 3, bytes: 9, milliseconds: 99.6, droppedUnits: 7 },
        uplink: { delayMs: 40, roundTripMs: 20.2, capacity: 4_300_000 },
      },
    ],
    notices: ["output/main: the queue was full"],
  };

  it("says phase, reason, source, picture, each output and the notices", () => {
    expect(formatStatus(status).split("\n")).toEqual([
      "retrying for 3 min: No destination takes pictures. (wanted: live)",
      "source spot: running, 30.0 fps, 8.10 Mbit/s",
      "  picture 1920x1080, High 4.0",
      "  passed on as the camera made it, 4.00 Mbit/s asked for: As much as the uplink to main carries.",
      "  verdict for Twitch: ask-camera",
      "    8.10 Mbit/s; Twitch takes up to 6.00.",
      "settings: audio silent, bit rate not capped",
      "output main: waiting: Nobody answers., next try in 4 s",
      "  uplink: a picture waits 40 ms, carried 4.30 Mbit/s",
      "  queue 3 pictures, 100 ms, 7 dropped",
      "notice: output/main: the queue was full",
    ]);
  });

  it("says that there are no outputs", () => {
    expect(formatStatus({ ...status, outputs: [] })).toContain("no outputs are configured");
  });
});

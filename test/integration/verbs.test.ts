import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { whyNoUplink } from "../../src/simulator/uplink.ts";
import type { Measurement } from "../../src/media/measurement.ts";
import type { ProbeResult } from "../../src/verbs/probe-run.ts";
import type { DemoResult } from "../../src/verbs/demo-result.ts";
import { spotConfig, startRobotProcess } from "../helpers/appliance.ts";
import type { RunningRobot } from "../helpers/appliance.ts";
import { postJson } from "../helpers/http-surface.ts";
import { ownChildren } from "../helpers/processes.ts";

const run = promisify(execFile);
const program = fileURLToPath(new URL("../../src/spotlive.mjs", import.meta.url));

const noUplink = await whyNoUplink(new AbortController().signal);
if (noUplink !== undefined) console.warn(`The demo is not tested with an uplink. ${noUplink}`);

async function probe(robot: RunningRobot, ...args: readonly string[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "spotlive-probe-"));
  try {
    const config = join(directory, "spotlive.yaml");
    await writeFile(config, JSON.stringify(spotConfig(robot)));
    const { stdout } = await run(process.execPath, [program, "probe", "--config", config, ...args]);
    return stdout;
  } finally {
    await rm(directory, { recursive: true });
  }
}

describe("spotlive demo", () => {
  it("runs the whole line and ends with one JSON line of its figures, leaving no process behind", async () => {
    const { stdout } = await run(process.execPath, [program, "demo", "--seconds", "6", "--json"]);
    const lines = stdout.trim().split("\n");
    const result = JSON.parse(lines.at(-1) ?? "") as DemoResult;
    expect(lines).toHaveLength(1);
    expect(result).toMatchObject({ phase: "live", dropped: 0 });
    expect(result.frames).toBeGreaterThan(150);
    expect(result.fps).toBeCloseTo(30, 0);
    expect(result.idrSpacingMs.max).toBeLessThanOrEqual(2100);
    for (const value of [result.mbps, result.firstFrameMs, result.cpuSecondsPerMinute, result.rssMb]) {
      expect(value).toBeGreaterThan(0);
    }
    expect(result.addedLatencyMs.p50).toBeLessThanOrEqual(result.addedLatencyMs.p99);
    expect(ownChildren().filter(({ commandLine }) => commandLine.includes("simulate"))).toEqual([]);
  });

  it.skipIf(noUplink !== undefined)("does so behind an uplink of its own too", async () => {
    const args = ["--uplink", "12M", "--seconds", "5", "--json"];
    const { stdout } = await run(process.execPath, [program, "demo", ...args]);
    const result = JSON.parse(stdout) as DemoResult;
    expect(result).toMatchObject({ phase: "live", dropped: 0 });
    expect(result.fps).toBeCloseTo(30, 0);
  });

  it.skipIf(noUplink !== undefined)(
    "asks the camera for what a slow one carries, in one session",
    async () => {
      const args = ["--uplink", "1500k", "--seconds", "9", "--json"];
      const { stdout } = await run(process.execPath, [program, "demo", ...args]);
      const result = JSON.parse(stdout) as DemoResult;
      expect(result).toMatchObject({ phase: "live", reconnects: 0, decoded: false });
      expect(result.mbps).toBeLessThan(3);
      expect(result.targetMbps?.final).toBeGreaterThanOrEqual(0.5);
      expect(result.targetMbps?.min).toBeLessThanOrEqual(1.5);
      expect(result.targetMbps?.final).toBeLessThanOrEqual(1.7); // it may end with a look at whether there is more
      expect(result.queueMs.max).toBeGreaterThan(100);
      expect(result.queueMs.max).toBeLessThan(4000);
    },
  );

  it("prints plain lines where there is no terminal", async () => {
    const { stdout } = await run(process.execPath, [program, "demo", "--seconds", "7"]);
    expect(stdout).toMatch(/^live {5}\| .* fps \| .* Mbit\/s \| queue .* dropped/m);
    expect(stdout).toMatch(/Twitch would mind: .*6000 kbit\/s/);
    expect(stdout).toMatch(/mosquitto_pub -h 127\.0\.0\.1 -p \d+ -t spotlive\/demo\/stream\/set -m 'ON'/);
    expect(stdout).not.toContain("\r");
  });
});

describe("the page of spotlive demo", () => {
  it("is on loopback, at an address that is printed, and starts and stops the line", async () => {
    const child = spawn(process.execPath, [program, "demo"], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "exit");
    try {
      let url = "";
      for await (const line of createInterface({ input: child.stdout })) {
        url = /^Dashboard: (http:\/\/127\.0\.0\.1:\d+)\/$/.exec(line)?.[1] ?? url;
        if (url !== "" && line.startsWith("live ")) break;
      }
      const session = (await (await fetch(`${url}/api/session`)).json()) as Record<string, unknown>;
      expect(session).toMatchObject({ protected: false, csrf: expect.any(String) });
      const headers = { origin: url, "x-spotlive-csrf": String(session["csrf"]) };
      const stopped = await postJson(`${url}/api/commands`, { kind: "stop" }, headers);
      expect(await stopped.json()).toMatchObject({ ok: true, status: { desired: "idle" } });
      const started = await postJson(`${url}/api/commands`, { kind: "start" }, headers);
      expect(await started.json()).toMatchObject({ ok: true, status: { desired: "live" } });
    } finally {
      child.kill("SIGINT");
      await ended;
    }
  });
});

describe("spotlive probe", () => {
  it("says what the camera really sends", async () => {
    await using robot = await startRobotProcess({
      width: 640,
      height: 360,
      fps: 25,
      bitrate: 1_000_000,
      profile: "main",
      idrInterval: 60,
    });
    const measurement = JSON.parse(await probe(robot, "--seconds", "6", "--json")) as Measurement;
    expect(measurement).toMatchObject({
      codec: "h264",
      profile: "Main",
      width: 640,
      height: 360,
      bFrames: false,
      parameterSets: { variants: 1 },
    });
    expect(measurement.fps).toBeCloseTo(25, 0);
    expect(measurement.idr.spacingMs?.mean).toBe(2400);
    expect(measurement.parameterSets.inBand).toBe(measurement.idr.count);
    expect(measurement.bitsPerSecond).toBeGreaterThan(500_000);
  });

  it("finds no IDR in a stream that is only refreshed, whatever its recovery points say", async () => {
    await using robot = await startRobotProcess({ width: 320, height: 180, idr: "refresh-only" });
    await probe(robot, "--seconds", "1"); // the first viewer gets the one IDR there is
    const text = await probe(robot, "--seconds", "5");
    expect(text).toMatch(/IDR pictures\s+none/);
    const { verdict } = JSON.parse(await probe(robot, "--seconds", "5", "--json")) as ProbeResult;
    expect(verdict.kind).toBe("ask-camera");
    const broken = verdict.findings.filter(({ remedy }) => remedy !== undefined);
    expect(broken).toEqual([
      {
        rule: "idr-spacing",
        remedy: "camera",
        text: expect.stringMatching(/^No IDR picture in 5\.\d s; Twitch needs one at least every 2\.5 s\.$/),
      },
    ]);
  });
});

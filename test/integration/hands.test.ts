import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { AuditRecord } from "../../src/control/audit.ts";
import { startIngest } from "../../src/simulator/ingest.ts";
import { hasSent, isLive, spotConfig, startAppliance, startRobotProcess } from "../helpers/appliance.ts";
import type { Appliance } from "../helpers/appliance.ts";
import { startMosquitto } from "../helpers/mosquitto.ts";
import { freePort } from "../helpers/nginx.ts";

const run = promisify(execFile);
const program = fileURLToPath(new URL("../../src/spotlive.mjs", import.meta.url));
const small = { width: 320, height: 180, bitrate: 500_000, idrInterval: 15 };

async function cli(appliance: Appliance, ...words: readonly string[]): Promise<string> {
  const socket = join(appliance.directory, "control.sock");
  return (await run(process.execPath, [program, ...words, "--socket", socket])).stdout;
}

async function readAudit(appliance: Appliance): Promise<AuditRecord[]> {
  const text = await readFile(join(appliance.directory, "state", "audit.log"), "utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AuditRecord);
}

describe("the hands on the whole appliance", () => {
  it("carries out a start, a camera move and a stop of mosquitto_pub, each exactly once", async () => {
    await using broker = await startMosquitto();
    await using ingest = await startIngest({}, new AbortController().signal);
    await using robot = await startRobotProcess(small);
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      autostart: "never",
      mqtt: { url: broker.url, deviceId: "dog" },
      outputs: [{ name: "main", url: ingest.url, streamKey: "mqtt" }],
    });
    const publish = (topic: string, message: string) =>
      run("mosquitto_pub", [
        "-h",
        "127.0.0.1",
        "-p",
        `${broker.port}`,
        "-q",
        "1",
        "-t",
        `spotlive/dog/${topic}`,
        "-m",
        message,
      ]);
    const availability = [
      "-h",
      "127.0.0.1",
      "-p",
      `${broker.port}`,
      "-t",
      "spotlive/dog/availability",
      "-C",
      "1",
      "-W",
      "20",
    ];
    expect((await run("mosquitto_sub", availability)).stdout.trim()).toBe("online");

    await publish("command", '{"kind":"start","id":"from-a-shell"}');
    await publish("command", '{"kind":"start","id":"from-a-shell"}');
    await appliance.until("it is live", isLive);
    await publish("command", '{"kind":"camera","action":{"kind":"look","pan":20,"tilt":5}}');
    const moved = await appliance.until("the camera has moved", ({ camera }) => camera?.position?.pan === 20);
    expect(moved.camera?.position).toEqual({ pan: 20, tilt: 5, zoom: 1 });
    await publish("stream/set", "OFF");
    await appliance.until("it is idle", ({ phase }) => phase === "idle");
    expect(ingest.report().connections).toBe(1);
    const audit = await readAudit(appliance);
    const asked = audit.map(({ origin, command, ok }) => `${origin} ${command.kind} ${ok}`);
    expect(new Set(asked)).toEqual(new Set(["mqtt start true", "mqtt camera true", "mqtt stop true"]));
  });

  it("obeys the command line: destinations, bit rate, camera, and the lock that holds MQTT off", async () => {
    await using broker = await startMosquitto();
    await using ingest = await startIngest({}, new AbortController().signal);
    await using robot = await startRobotProcess(small);
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      mqtt: { url: broker.url, deviceId: "dog" },
      camera: { presets: [{ name: "home", pan: 90, tilt: 10, zoom: 2 }] },
      outputs: [
        { name: "one", url: ingest.url, streamKey: "one" },
        { name: "two", url: ingest.url, streamKey: "two" },
      ],
    });
    await appliance.until("both are live", hasSent(30));
    await cli(appliance, "set", "destination", "two");
    const one = (status: Awaited<ReturnType<Appliance["status"]>>) =>
      status.outputs.find(({ name }) => name === "one");
    await appliance.until("one has ended", (status) => one(status)?.state === "idle");
    expect(isLive(await appliance.status())).toBe(true);
    expect(ingest.report().connections).toBe(2);

    expect(await cli(appliance, "camera", "preset", "home")).toMatch(/camera: pan 90, tilt 10, zoom 2\.0/);
    await cli(appliance, "set", "bitrate", "300000");
    expect((await appliance.status()).settings.bitrateCap).toBe(300_000);
    await expect(cli(appliance, "camera", "preset", "nowhere")).rejects.toThrow(/home/);

    expect(await cli(appliance, "lock")).toContain("camera locked");
    const move = '{"kind":"camera","action":{"kind":"look","pan":50}}';
    await run("mosquitto_pub", [
      "-h",
      "127.0.0.1",
      "-p",
      `${broker.port}`,
      "-t",
      "spotlive/dog/command",
      "-m",
      move,
    ]);
    for (;;) {
      const refused = (await readAudit(appliance)).find(({ origin }) => origin === "mqtt");
      if (refused === undefined) continue;
      expect(refused).toMatchObject({ ok: false, code: "locked" });
      break;
    }
    expect((await appliance.status()).camera?.position?.pan).toBe(90);
  });

  it("serves HTTP with a token: commands act, metrics count, nothing without it", async () => {
    await using ingest = await startIngest({}, new AbortController().signal);
    await using robot = await startRobotProcess(small);
    const port = await freePort();
    await using appliance = await startAppliance(
      {
        ...spotConfig(robot),
        autostart: "never",
        http: { port, tokenFile: "$DIRECTORY/token" },
        outputs: [{ name: "main", url: ingest.url, streamKey: "http-canary-key" }],
      },
      { files: { token: "a-token-of-many-letters" } },
    );
    const ask = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${port}${path}`, init);
    const headers = { authorization: "Bearer a-token-of-many-letters", "content-type": "application/json" };
    await appliance.until("it listens", () => true);
    let first = await ask("/healthz").catch(() => undefined);
    while (first === undefined) first = await ask("/healthz").catch(() => undefined);
    expect((await ask("/api/status")).status).toBe(401);
    const answer = await ask("/api/commands", { method: "POST", headers, body: '{"kind":"start"}' });
    expect(await answer.json()).toMatchObject({ ok: true });
    await appliance.until("it is live", hasSent(30));
    const metrics = await (await ask("/metrics", { headers })).text();
    expect(metrics).toMatch(/^spotlive_\w+_total\{output="main"\} \d+/m);
    expect(metrics).not.toContain("canary");
    expect((await ask("/readyz", { headers })).status).toBe(200);
  });
});

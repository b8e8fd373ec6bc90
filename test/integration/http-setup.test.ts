import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configOf } from "../../src/config/check-parts.ts";
import type { Setup } from "../../src/control/http/options.ts";
import { tryIngest } from "../../src/verbs/setup/try-ingest.ts";
import { tryRobot } from "../../src/verbs/setup/try-robot.ts";
import type { RobotTrial } from "../../src/verbs/setup/try-robot.ts";
import { startRobotProcess } from "../helpers/appliance.ts";
import { postJson, startHttp } from "../helpers/http-surface.ts";
import { freePort, startNginxRtmp } from "../helpers/nginx.ts";
import { createMemoryLine, fullStatus } from "../unit/control/http/memory-line.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "spotlive-setup-"));
});
afterAll(() => rm(directory, { recursive: true }));

const setup: Setup = {
  isFirstRun: true,
  tryRobot,
  tryIngest: (body, signal) => tryIngest(body, directory, signal),
};

const never = new AbortController().signal;

describe("a trial of a robot", () => {
  it("goes from its address to its picture, and gives what the settings need, but no password", async () => {
    await using robot = await startRobotProcess({ width: 640, height: 360, fps: 25, bitrate: 1_000_000 });
    const { address, username, password } = robot.up;
    await using http = await startHttp({ setup });
    const login = {
      host: address.host,
      port: address.grpcPort,
      cameraPort: address.cameraPort,
      username,
      password,
    };
    const response = await postJson(`${http.url}/api/setup/robot`, login);
    const text = await response.text();
    const trial = JSON.parse(text) as RobotTrial;
    expect(trial.steps.map(({ name, ok }) => [name, ok])).toEqual([
      ["robot", true],
      ["login", true],
      ["camera", true],
      ["picture", true],
    ]);
    expect(trial.steps[0]?.text).toContain(address.grpcFingerprint256);
    expect(trial.steps[3]?.text).toMatch(
      /^It sends pictures of 640x360, 2[3-6]\.\d a second, .* Mbit\/s, H\.264/,
    );
    expect(text).not.toContain(password);
    expect(trial.settings).toEqual({
      ...{ source: "spot", "spot.host": address.host, "spot.port": address.grpcPort },
      ...{ "spot.cameraPort": address.cameraPort, "spot.username": username },
      "spot.tls.fingerprint": address.grpcFingerprint256,
      "spot.cameraTls.fingerprint": address.cameraFingerprint256,
    });
    const again = await postJson(`${http.url}/api/setup/robot`, login);
    expect([again.status, again.headers.get("retry-after")]).toEqual([429, "2"]);
  });

  it("ends at the first thing that fails", async () => {
    await using robot = await startRobotProcess();
    const { address, username } = robot.up;
    const login = { host: address.host, port: address.grpcPort, cameraPort: address.cameraPort, username };
    const wrong = await tryRobot({ ...login, password: "wrong-password" }, never);
    expect(wrong).toMatchObject({ ok: false, steps: [{ ok: true }, { name: "login", ok: false }] });
    expect(JSON.stringify(wrong)).not.toContain("wrong-password");
    const nobody = await tryRobot({ ...login, port: await freePort(), password: "word" }, never);
    expect(nobody).toMatchObject({
      ok: false,
      steps: [{ name: "robot", ok: false, text: expect.stringContaining("does not answer") }],
    });
  });

  it.each([
    ["no user", { host: "h", password: "p" }, "expected username and password"],
    [
      "a host that is none",
      { host: ["h"], username: "u", password: "p\n" },
      "spot.host: expected a text, got a list",
    ],
    [
      "a password that is none",
      { host: "h", username: "u", password: "p\n" },
      "spot.password: expected a text",
    ],
    [
      "a port that is none",
      { host: "h", username: "u", password: "p", port: 0 },
      "spot.port: expected a whole",
    ],
    ["a text", "h", "Expected an object with host"],
  ])("is refused with %s", async (_what, body, text) => {
    await using http = await startHttp({ setup });
    const response = await postJson(`${http.url}/api/setup/robot`, body);
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { ok: false, fault: { message: expect.stringContaining(text) } },
    ]);
  });
});

describe("a trial of a destination", () => {
  it("measures what arrives, as a test where it is Twitch, and tells no key", async () => {
    await using nginx = await startNginxRtmp();
    await using http = await startHttp({ setup });
    const streamKey = "live_trial_key";
    const body = { kind: "twitch", ingest: nginx.url, streamKey };
    const response = await postJson(`${http.url}/api/setup/ingest`, body);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ ok: true, text: expect.stringContaining("Mbit/s arrived") });
    expect((JSON.parse(text) as { bitsPerSecond: number }).bitsPerSecond).toBeGreaterThan(3_000_000);
    expect(nginx.publishes[0]?.get("bandwidthtest")).toBe("true");
    expect(text).not.toContain(streamKey);
  });

  it("says why nothing arrives", async () => {
    const url = `rtmp://127.0.0.1:${await freePort()}/app`;
    const trial = await tryIngest({ kind: "rtmp", url, streamKey: "live_trial_key" }, directory, never);
    expect(trial).toMatchObject({ ok: false, text: expect.stringContaining("127.0.0.1") });
    expect(trial).not.toHaveProperty("bitsPerSecond");
    expect(JSON.stringify(trial)).not.toContain("live_trial_key");
  });

  it("is refused while spotlive publishes, and where it makes no sense", async () => {
    const line = createMemoryLine();
    await using http = await startHttp({ setup }, line);
    const bad = await postJson(`${http.url}/api/setup/ingest`, { kind: "rtmp", streamKey: "k" });
    expect([bad.status, await bad.json()]).toMatchObject([
      400,
      { fault: { message: expect.stringContaining("outputs[0].url: expected the server's address") } },
    ]);
    line.status = fullStatus;
    const busy = await postJson(`${http.url}/api/setup/ingest`, { kind: "twitch", streamKey: "k" });
    expect(busy.status).toBe(409);
  });
});

describe("a configuration of some keys alone", () => {
  it("knows no file and no environment", async () => {
    process.env["SPOTLIVE_AUDIO"] = "none";
    try {
      expect(await configOf({ source: "file", file: { path: "a" } })).toMatchObject({ audio: "silent" });
    } finally {
      delete process.env["SPOTLIVE_AUDIO"];
    }
  });
});

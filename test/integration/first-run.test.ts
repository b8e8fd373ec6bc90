import { spawn } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { tmpdir } from "node:os";
import { describe, expect, it, vi } from "vitest";
import { readStatus } from "../../src/control/socket-client.ts";
import type { Status } from "../../src/domain/status.ts";
import { cookieOf, postJson } from "../helpers/http-surface.ts";
import { readOnly } from "../helpers/sandbox.ts";
import { startAsService, startUnconfigured } from "../helpers/unconfigured.ts";

const program = fileURLToPath(new URL("../../src/spotlive.mjs", import.meta.url));

const get = async (url: string, cookie = ""): Promise<Record<string, unknown>> =>
  (await (await fetch(url, { headers: { cookie } })).json()) as Record<string, unknown>;

function put(url: string, changes: object): Promise<Response> {
  return fetch(`${url}/api/config`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ changes }),
  });
}

const whole = {
  source: "file",
  "file.path": "/nowhere.h264",
  "outputs[0].streamKey": "live_first",
  autostart: "never",
};

describe("spotlive without a configuration", () => {
  it("serves its page, takes a configuration there, and goes on with it", async () => {
    await using first = await startUnconfigured();
    const { url, file, socketPath } = first;
    expect(await get(`${url}/api/session`)).toMatchObject({ setup: true, protected: false });
    expect(await get(`${url}/api/status`)).toMatchObject({
      phase: "idle",
      reason: "Nothing is configured yet.",
    });
    expect((await readStatus(socketPath)).reason).toBe("Nothing is configured yet.");
    const refused = await postJson(`${url}/api/commands`, { kind: "start" });
    expect(await refused.json()).toMatchObject({ ok: false, fault: { code: "not-running" } });
    expect(await get(`${url}/api/config`)).toMatchObject({ path: file, writable: true, restartable: true });
    const half = await put(url, { source: "file" });
    expect(await half.json()).toMatchObject({ ok: false, problems: [{ path: "file.path" }] });
    expect((await put(url, whole)).status).toBe(200);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await postJson(`${url}/api/restart`, {})).status).toBe(200);
    await vi.waitFor(async () => {
      expect(await get(`${url}/api/session`)).toMatchObject({ setup: false });
    }, 20_000);
    const status = (await get(`${url}/api/status`)) as unknown as Status;
    expect(status).toMatchObject({ source: { name: "file" }, outputs: [{ name: "main" }] });
    expect(first.output()).not.toContain("live_first");
    first.terminate();
    expect(await first.ended).toBe(0);
    expect(await readFile(file, "utf8")).toContain("file:\n  path: /nowhere.h264\n");
  });

  it("says in its log where the page is, and what was missing", async () => {
    await using first = await startUnconfigured();
    await vi.waitFor(() => expect(first.output()).toContain(`Set spotlive up on its page: ${first.url}/`));
    expect(first.output()).toContain(`There is no configuration file ${first.file}.`);
    first.terminate();
    expect(await first.ended).toBe(0);
  });

  it("asks for the password that the environment has, and keeps it from children", async () => {
    const password = "correct horse";
    await using first = await startUnconfigured({ SPOTLIVE_HTTP_PASSWORD: password });
    const { url } = first;
    expect((await fetch(`${url}/api/config`)).status).toBe(401);
    const login = await postJson(`${url}/api/session`, { username: "spotlive", password });
    const cookie = cookieOf(login);
    expect(await get(`${url}/api/session`, cookie)).toMatchObject({ setup: true, by: "spotlive" });
    const doctor = await fetch(`${url}/api/doctor`, {
      method: "POST",
      headers: { cookie, "x-spotlive-csrf": String(((await login.json()) as { csrf: unknown }).csrf) },
    });
    const text = await doctor.text();
    expect(text).toContain("Nothing is configured yet.");
    expect(text + first.output()).not.toContain(password);
  });

  it("ends for systemd to start it again, where there is one", async () => {
    await using first = await startUnconfigured({ NOTIFY_SOCKET: "/nonexistent/notify" });
    expect((await put(first.url, whole)).status).toBe(200);
    expect((await postJson(`${first.url}/api/restart`, {})).status).toBe(200);
    expect(await first.ended).toBe(0);
  });
});

const isWithoutWalls = (await readOnly(tmpdir())) === undefined;

describe.skipIf(isWithoutWalls)("spotlive as a service, which may not write into its /etc", () => {
  it("keeps the first configuration with its state, and goes on with it", async () => {
    await using first = await startAsService();
    const { url, file, ownFile } = first;
    expect(first.output()).toContain(`There is no configuration file ${file}.`);
    expect(await get(`${url}/api/config`)).toMatchObject({ path: ownFile, writable: true });
    expect((await put(url, whole)).status).toBe(200);
    expect((await stat(ownFile)).mode & 0o777).toBe(0o600);
    await postJson(`${url}/api/restart`, {});
    await vi.waitFor(async () => {
      expect(await get(`${url}/api/session`)).toMatchObject({ setup: false });
    }, 20_000);
    expect(await get(`${url}/api/status`)).toMatchObject({ source: { name: "file" } });
    const again = await put(url, { "hold.max": 7 });
    expect([again.status, await readFile(ownFile, "utf8")]).toEqual([200, expect.stringContaining("max: 7")]);
  });

  const text = "source: file\nfile: { path: /nowhere.h264 }\nautostart: never\n";

  it("says how to change by hand what its owner has written there", async () => {
    await using service = await startAsService(text);
    const { url, file } = service;
    const advice = expect.stringContaining(`(EROFS). On this machine: sudoedit ${file}; `);
    expect(await get(`${url}/api/config`)).toMatchObject({ path: file, writable: false, advice });
    const refused = await put(url, { audio: "none" });
    expect(await refused.json()).toMatchObject({ fault: { code: "not-supported", message: advice } });
    expect(await readFile(file, "utf8")).toBe(text);
  });

  it("points to the boot file on a device that has one", async () => {
    await using service = await startAsService(text, { SPOTLIVE_BOOT_DIRECTORY: "/nonexistent" });
    const advice = expect.stringContaining("Change spotlive.yaml on the small partition of its card");
    expect(await get(`${service.url}/api/config`)).toMatchObject({ writable: false, advice });
  });
});

describe("spotlive with a configuration that is wrong", () => {
  it("does not start, as it did before, and names what is wrong", async () => {
    const { stderr, code } = await new Promise<{ stderr: string; code: number | null }>((resolve) => {
      const child = spawn(process.execPath, [program, "run", "--config", fileURLToPath(import.meta.url)]);
      let stderr = "";
      child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
      child.on("exit", (code) => resolve({ stderr, code }));
    });
    expect(code).toBe(2);
    expect(stderr).toContain("The configuration has");
  });
});

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { startAppliance } from "../helpers/appliance.ts";
import type { Appliance } from "../helpers/appliance.ts";
import { startHttp } from "../helpers/http-surface.ts";
import { freePort } from "../helpers/nginx.ts";

const canary = "canary-9f3b27";

interface Running extends AsyncDisposable {
  readonly appliance: Appliance;
  readonly url: string;
  file(): Promise<string>;
}

async function start(http: object = {}, environment: Record<string, string> = {}): Promise<Running> {
  const port = await freePort();
  const appliance = await startAppliance(
    {
      ...{
        autostart: "never",
        source: "file",
        file: { path: "$DIRECTORY/none.mp4" },
        http: { port, ...http },
      },
      outputs: [{ name: "main", url: "rtmp://127.0.0.1:1/app", streamKey: canary }],
    },
    { environment },
  );
  const url = `http://127.0.0.1:${port}`;
  await vi.waitFor(() => fetch(`${url}/healthz`), 20_000);
  return {
    ...{ appliance, url, file: () => readFile(join(appliance.directory, "spotlive.yaml"), "utf8") },
    [Symbol.asyncDispose]: () => appliance[Symbol.asyncDispose](),
  };
}

function put(url: string, changes: unknown): Promise<Response> {
  return fetch(`${url}/api/config`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ changes }),
  });
}

interface Answer {
  readonly groups: readonly { readonly name: string; readonly keys: readonly { readonly path: string }[] }[];
}

describe("the settings of a spotlive that runs", () => {
  it("are told without a secret, changed in the file, and counted from the next start on", async () => {
    await using running = await start();
    const { url } = running;
    const text = await (await fetch(`${url}/api/config`)).text();
    const { groups, ...others } = JSON.parse(text) as Answer;
    expect(others).toMatchObject({ writable: true, restartable: false });
    const keys = groups.flatMap(({ keys }) => keys);
    expect(keys.find(({ path }) => path === "outputs[0].streamKey")).toMatchObject({ isSet: true });
    expect(keys.find(({ path }) => path === "outputs[0].url")).toMatchObject({
      value: "rtmp://127.0.0.1:1/app",
    });
    const answer = await put(url, { "hold.max": 7, "http.token": `${canary}-token-token` });
    expect([answer.status, await answer.json()]).toEqual([200, { ok: true, restartNeeded: true }]);
    expect(await running.file()).toContain("7");
    expect((await fetch(`${url}/api/status`)).status).toBe(200); // the token counts later
    const after = await (await fetch(`${url}/api/config`)).text();
    expect(after).toContain('"value":7');
    const journal = await (await fetch(`${url}/api/journal`)).text();
    expect(journal).toContain("has changed hold.max, http.token");
    expect(text + after + journal + running.appliance.output()).not.toContain(canary);
  });

  it.each([
    ["nothing that makes sense is said", null, ""],
    ["another key is wrong", { "hold.max": 7, "http.port": 0 }, "http.port"],
    ["the whole does not fit together", { source: "rtsp" }, "rtsp.url"],
    ["everybody could come in", { "http.host": "0.0.0.0" }, "http"],
    ["the password is soon guessed", { "http.password": "short" }, "http"],
    ["the bot has no such command", chatWith("fly=everyone"), "chat"],
    ["a secret would be sent elsewhere", { "outputs[0].url": "rtmp://evil.example/app" }, "outputs[0].url"],
  ])("stay as they are where %s", async (_what, changes, path) => {
    await using running = await start();
    const before = await running.file();
    const answer = await put(running.url, changes);
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { ok: false, fault: { code: "config-invalid" }, problems: [{ path }] },
    ]);
    expect(await running.file()).toBe(before);
  });

  it("need the header of the page from a browser", async () => {
    await using running = await start();
    const answer = await fetch(`${running.url}/api/config`, {
      method: "PUT",
      headers: { "content-type": "application/json", origin: running.url },
      body: '{"changes":{"hold.max":7}}',
    });
    expect(answer.status).toBe(403);
    const restart = await fetch(`${running.url}/api/restart`, {
      method: "POST",
      headers: { origin: running.url },
    });
    expect(restart.status).toBe(403);
  });
});

function chatWith(permission: string): Record<string, unknown> {
  return { "chat.channel": "me", "chat.clientId": "id", "chat.permissions": [permission] };
}

describe("a restart", () => {
  it("is an end that systemd takes for one", async () => {
    await using running = await start({}, { NOTIFY_SOCKET: "/nonexistent/notify" });
    const { url, appliance } = running;
    expect(await (await fetch(`${url}/api/config`)).json()).toMatchObject({ restartable: true });
    const answer = await fetch(`${url}/api/restart`, { method: "POST" });
    expect([answer.status, await answer.json()]).toEqual([200, { ok: true }]);
    expect((await appliance.ended).code).toBe(0);
    expect(appliance.output()).toContain("has asked for a restart");
  });

  it("is refused where nothing would start spotlive again, and the settings where there is no file", async () => {
    await using running = await start();
    expect((await fetch(`${running.url}/api/restart`, { method: "POST" })).status).toBe(409);
    expect(await running.appliance.status()).toMatchObject({ phase: "idle" });
    await using http = await startHttp();
    for (const method of ["GET", "POST"])
      expect(
        (await fetch(`${http.url}/api/${method === "GET" ? "config" : "restart"}`, { method })).status,
      ).toBe(409);
  });
});

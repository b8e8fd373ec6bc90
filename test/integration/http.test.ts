import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { HttpOptions } from "../../src/control/http/options.ts";
import { createHttpSurface } from "../../src/control/http/surface.ts";
import { createJournal } from "../../src/control/journal.ts";
import { createMask } from "../../src/lib/log.ts";
import { Secret } from "../../src/domain/secret.ts";
import { createMemoryLine, fullStatus, idleStatus } from "../unit/control/http/memory-line.ts";
import type { MemoryLine } from "../unit/control/http/memory-line.ts";

const password = "correct horse";
const token = "0123456789abcdef0123";
const basic = (user: string, word: string): string =>
  `Basic ${Buffer.from(`${user}:${word}`).toString("base64")}`;

let line: MemoryLine;
let controller: AbortController;
let running: Promise<void>;
let url: string;

const defaults: HttpOptions = {
  host: "127.0.0.1",
  port: 0,
  user: "ann",
  allowedHosts: [],
  maxEventClients: 2,
  version: "1.2.3",
  journal: createJournal(createMask()),
};

async function serve(options: Partial<HttpOptions> = {}): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onListening = (at: string): void => {
      url = at;
      resolve();
    };
    running = createHttpSurface({ ...defaults, onListening, ...options })(line.context, controller.signal);
    running.catch(reject);
  });
}

beforeEach(() => {
  line = createMemoryLine();
  controller = new AbortController();
  running = Promise.resolve();
});
afterEach(async () => {
  controller.abort();
  await running.catch(() => {});
});

function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/api/commands`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const codeOf = async (response: Response): Promise<unknown> =>
  ((await response.json()) as { readonly fault: { readonly code: unknown } }).fault.code;

/** Sends bytes as they are and gives the first line of what comes back. */
async function sendRaw(text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => {});
  socket.write(text);
  let answer = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
  await vi.waitFor(() => expect(answer).toContain("\r\n"), { timeout: 10_000 });
  socket.destroy();
  return answer.split("\r\n")[0] ?? "";
}

describe("the HTTP API", () => {
  it("gives the status", async () => {
    line.status = fullStatus;
    await serve();
    const response = await fetch(`${url}/api/status`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(fullStatus);
  });

  it("passes a command on with its id, and makes an id where there is none", async () => {
    await serve();
    const response = await post({ kind: "camera", action: { kind: "look", pan: -10 }, id: "a-1" });
    expect(await response.json()).toEqual({ ok: true, id: "a-1", status: idleStatus });
    await post({ kind: "start" });
    expect(line.requests).toEqual([
      {
        id: "a-1",
        command: { kind: "camera", action: { kind: "look", pan: -10, tilt: 0, zoom: 1 } },
        origin: "http",
      },
      { id: expect.stringMatching(/^[\w-]{36}$/), command: { kind: "start" }, origin: "http" },
    ]);
  });

  it.each([
    ["malformed", 400],
    ["not-permitted", 403],
    ["locked", 423],
    ["rate-limited", 429],
    ["not-supported", 409],
    ["internal", 500],
  ] as const)("answers a command that ends in %s with %i", async (code, status) => {
    await serve();
    const fault = { code, message: "No.", retryable: false };
    line.answer = ({ id }) => Promise.resolve({ ok: false, id, fault });
    const response = await post({ kind: "start", id: "x" });
    expect([response.status, await response.json()]).toEqual([status, { ok: false, id: "x", fault }]);
  });

  it.each([
    ["no JSON", '{"kind":', 400],
    ["another kind", { kind: "explode" }, 400],
    ["a poisoned prototype", '{"kind":"start","__proto__":{"id":"x"}}', 400],
    ["a bad id", { kind: "start", id: "a b" }, 400],
    ["a list", [], 400],
    ["nothing", "", 400],
    ["too much", { kind: "start", id: "x".repeat(20_000) }, 413],
  ])("refuses a command that is %s", async (_what, body, status) => {
    await serve();
    const response = await post(body);
    expect([response.status, await codeOf(response)]).toEqual([status, "malformed"]);
    expect(line.requests).toEqual([]);
  });

  it("refuses what a form of another site could send", async () => {
    await serve();
    const body = '{"kind":"start"}';
    expect((await post(body, { "content-type": "text/plain" })).status).toBe(415);
    expect((await post(body, { origin: "http://evil.example" })).status).toBe(421);
    expect((await post(body, { origin: "null" })).status).toBe(421);
    expect((await post(body, { origin: url })).status).toBe(403);
    expect(line.requests).toEqual([]);
  });

  it("allows no other site to read", async () => {
    await serve();
    const response = await fetch(`${url}/api/status`);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  it.each([
    ["evil.example", "421"],
    ["evil.example:80", "421"],
    ["127.0.0.1.evil.example", "421"],
    ["", "421"],
    ["localhost:1", "200"],
    ["[::1]", "200"],
    ["spot.lan", "200"],
  ])("on loopback answers the host %j with %s", async (host, status) => {
    await serve({ allowedHosts: ["spot.lan"] });
    expect(await sendRaw(`GET /api/status HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).toContain(` ${status} `);
  });

  it.each([
    ["GET /api/status HTTP/1.1\r\n\r\n", "400"],
    ["GET /%ff HTTP/1.1\r\nHost: localhost\r\n\r\n", "400"],
    ["\0\0\0\r\n\r\n", "400"],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(9000)}\r\n\r\n`, "431"],
    ["DELETE /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"],
  ])("answers the hostile request %# with %s", async (request, status) => {
    await serve();
    expect(await sendRaw(request)).toContain(` ${status} `);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it("says nothing about a fault inside but that there was one", async () => {
    await serve();
    line.answer = () => Promise.reject(new Error("the key is live_12345"));
    const response = await post({ kind: "start" });
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).toContain('"code":"internal"');
    expect(text).not.toContain("live_12345");
  });

  it("waits for an address that is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const serving = serve({ port });
    await vi.waitFor(() => expect(line.lines.join("")).toContain("another program does"));
    other.close();
    await serving;
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it("lets go of every connection at once when it is stopped", async () => {
    await serve();
    line.answer = () => new Promise(() => {});
    void post({ kind: "start" }).catch(() => {});
    const events = await fetch(`${url}/api/events`);
    const half = connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {});
    half.write("POST /api/commands HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
    await vi.waitFor(() => expect(line.requests).toHaveLength(1));
    const since = performance.now();
    controller.abort();
    await running;
    expect(performance.now() - since).toBeLessThan(2000);
    await expect(events.text()).rejects.toThrow();
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    half.destroy();
  });
});

describe("the HTTP API with credentials", () => {
  const closed = { password: new Secret(password), token: new Secret(token) };
  const get = (path: string, authorization?: string): Promise<Response> =>
    fetch(url + path, authorization === undefined ? {} : { headers: { authorization } });

  it("does not start on an address that others can reach when it has none", async () => {
    await expect(serve({ host: "0.0.0.0" })).rejects.toMatchObject({ code: "config-invalid" });
  });

  it("starts on every address when it has a token, under whatever name it is asked", async () => {
    await serve({ host: "0.0.0.0", token: closed.token });
    url = url.replace("0.0.0.0", "127.0.0.1");
    expect((await get("/api/status")).status).toBe(401);
    expect((await get("/api/status", `Bearer ${token}`)).status).toBe(200);
    const named = `GET /api/status HTTP/1.1\r\nHost: spot.lan\r\nAuthorization: Bearer ${token}\r\n\r\n`;
    expect(await sendRaw(named)).toContain(" 200 ");
  });

  it("asks for them everywhere but at /healthz", async () => {
    await serve(closed);
    for (const path of ["/api/status", "/api/events", "/metrics", "/readyz", "/api/openapi.json", "/x"]) {
      const response = await get(path);
      expect([path, response.status, await codeOf(response)]).toEqual([path, 401, "not-permitted"]);
      expect(response.headers.get("www-authenticate")).toContain("Basic");
    }
    expect((await post({ kind: "start" })).status).toBe(401);
    expect((await get("/healthz")).status).toBe(200);
    expect(line.requests).toEqual([]);
  });

  it("says in a command who asked", async () => {
    await serve(closed);
    await post({ kind: "start" }, { authorization: basic("ann", password) });
    await post({ kind: "stop" }, { authorization: `Bearer ${token}` });
    expect(line.requests.map(({ by }) => by)).toEqual(["ann", "token"]);
  });

  it("turns an address away after five wrong guesses, the right one then too", async () => {
    await serve(closed);
    for (let guess = 0; guess < 5; guess += 1)
      expect((await get("/api/status", basic("ann", `guess ${guess}`))).status).toBe(401);
    const response = await get("/api/status", basic("ann", password));
    expect(response.status).toBe(429);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await get("/healthz")).status).toBe(200);
  });

  it("shows no secret in any answer", async () => {
    await serve(closed);
    const texts = await Promise.all(
      ["/api/status", "/metrics", "/readyz", "/api/openapi.json", "/healthz"].map(async (path) =>
        (await get(path, `Bearer ${token}`)).text(),
      ),
    );
    expect(texts.join("")).not.toMatch(new RegExp(`${token}|${password}`));
    expect(line.lines.join("")).not.toMatch(new RegExp(`${token}|${password}`));
  });
});

describe("the event stream", () => {
  /** Reads the stream until a text has come. */
  async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, wanted: string): Promise<string> {
    let text = "";
    while (!text.includes(wanted)) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`the stream ended after ${text}`);
      text += Buffer.from(value).toString();
    }
    return text;
  }

  async function openStream(): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const { body, headers } = await fetch(`${url}/api/events`);
    expect(headers.get("content-type")).toContain("text/event-stream");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    if (body === null) throw new Error("no body");
    return body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  }

  const clients = async (): Promise<string> =>
    (await (await fetch(`${url}/metrics`)).text()).match(/^spotlive_http_event_clients.*$/gm)?.join(" ") ??
    "";

  it("begins with the status and goes on with every event", async () => {
    line.status = fullStatus;
    await serve();
    const reader = await openStream();
    const first = await readUntil(reader, "\n\n");
    expect(first).toMatch(/^retry: \d+\nevent: status\ndata: /);
    expect(JSON.parse(first.split("data: ")[1] ?? "")).toEqual(fullStatus);
    const event = { type: "notice", part: "x", severity: "info", text: "two\nlines" } as const;
    line.report(event);
    const frame = `event: notice\ndata: ${JSON.stringify(event)}\n\n`;
    expect(await readUntil(reader, frame)).toContain(frame);
    await reader.cancel();
  });

  it("takes so many clients and no more, and has a place again when one has gone", async () => {
    await serve();
    const [first] = await Promise.all([openStream(), openStream()]);
    const third = await fetch(`${url}/api/events`);
    expect([third.status, third.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await codeOf(third)).toBe("rate-limited");
    await first.cancel();
    await vi.waitFor(async () => expect(await clients()).toContain("spotlive_http_event_clients 1"));
    await openStream();
  });

  it("drops a client that does not read, counts it, and leaves the others alone", async () => {
    await serve();
    const reader = await openStream();
    await readUntil(reader, "\n\n");
    const slow: Socket = connect(Number(new URL(url).port), "127.0.0.1").on("error", () => {});
    slow.pause();
    slow.write("GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await vi.waitFor(async () => expect(await clients()).toContain("spotlive_http_event_clients 2"));
    const text = "x".repeat(16_000);
    for (let sent = 0; !(await clients()).includes("dropped_total 1"); sent += 1) {
      line.report({ type: "notice", part: "x", severity: "info", text: `${sent} ${text}` });
      await readUntil(reader, `"${sent} x`);
      expect(sent).toBeLessThan(5000);
    }
    line.report({ type: "phase", phase: "live", reason: "Still here." });
    await readUntil(reader, "Still here.");
    slow.destroy();
    await reader.cancel();
  });
});

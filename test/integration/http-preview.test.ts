import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createJournal } from "../../src/control/journal.ts";
import type { HttpOptions } from "../../src/control/http/options.ts";
import { createHttpSurface } from "../../src/control/http/surface.ts";
import type { Attendance, Onlooker, Preview } from "../../src/domain/preview.ts";
import { Secret } from "../../src/domain/secret.ts";
import { createMask } from "../../src/lib/log.ts";
import { createPreview } from "../../src/outputs/preview/preview.ts";
import { createMemoryLine } from "../unit/control/http/memory-line.ts";
import { cookieOf, postJson } from "../helpers/http-surface.ts";
import { eventually } from "../helpers/eventually.ts";
import { videoUnit } from "../helpers/units.ts";

let preview: Preview & Onlooker;
let attendance: Attendance;
let controller: AbortController;
let running: Promise<void>;
let url: string;

async function serve(options: Partial<HttpOptions> = {}): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    running = createHttpSurface({
      ...{ host: "127.0.0.1", port: 0, user: "ann", allowedHosts: [], maxEventClients: 2, version: "1.2.3" },
      ...{ journal: createJournal(createMask()), preview },
      onListening(at) {
        url = at;
        resolve();
      },
      ...options,
    })(createMemoryLine().context, controller.signal);
    running.catch(reject);
  });
}

beforeEach(() => {
  preview = createPreview({ maxViewers: 2 });
  attendance = preview.attend({ requestKeyframe: () => {} });
  controller = new AbortController();
  running = Promise.resolve();
});
afterEach(async () => {
  controller.abort();
  await running.catch(() => {});
});

interface Client {
  readonly socket: WebSocket;
  readonly messages: Record<string, unknown>[];
  /** RTP timestamps in milliseconds. */
  readonly frames: number[];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

function open(): Client {
  const socket = new WebSocket(`${url.replace("http", "ws")}/api/preview`);
  socket.binaryType = "arraybuffer";
  const [messages, frames]: [Record<string, unknown>[], number[]] = [[], []];
  socket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") messages.push(JSON.parse(data) as Record<string, unknown>);
    else frames.push(Buffer.from(data as ArrayBuffer).readUInt32BE(4) / 90);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason })),
  );
  return { socket, messages, frames, closed };
}

const watch = JSON.stringify({ type: "watch", latency: "live", transport: "websocket" });

/** Asks to become a websocket by hand, and gives the whole first answer. */
async function upgrade(
  headers: readonly string[],
  host = new URL(url).host,
): Promise<{
  readonly answer: string;
  /** Sends a text of less than 126 bytes. */
  say(text: string): void;
  /** Resolves with what has come when these words are in it. */
  untilSaid(words: string): Promise<string>;
  leave(): void;
}> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.write(
    [
      ...["GET /api/preview HTTP/1.1", `host: ${host}`, "connection: upgrade", "upgrade: websocket"],
      ...["sec-websocket-version: 13", "sec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==", ...headers, "", ""],
    ].join("\r\n"),
  );
  const [first] = (await once(socket, "data")) as [Buffer];
  socket.pause();
  return {
    answer: first.toString("latin1"),
    // A masked text frame whose mask is zero (RFC 6455, 5.2).
    say: (text) =>
      socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])),
    untilSaid: (words) =>
      new Promise((resolve) => {
        let text = "";
        socket.resume().on("data", (bytes: Buffer) => {
          text += bytes.toString("latin1");
          if (text.includes(words)) resolve(text);
        });
      }),
    leave: () => socket.destroy(),
  };
}

describe("the preview's websocket", () => {
  it("tells whether pictures come, then the format, then frames", async () => {
    await serve();
    const client = open();
    await eventually(() => client.messages.length === 1);
    client.socket.send(watch);
    attendance.show(videoUnit(1000, true));
    await eventually(() => client.frames.length === 1);
    expect(client.messages).toMatchObject([
      { type: "source", state: "away" },
      { type: "source", state: "running" },
      { type: "format", width: expect.any(Number) },
    ]);
    client.socket.close();
    await eventually(() => preview.counters.viewers === 0);
  });

  it("is open to a browser that has logged in, and ends at its logout", async () => {
    await serve({ password: new Secret("correct horse") });
    const login = await postJson(`${url}/api/session`, { username: "ann", password: "correct horse" });
    const cookie = cookieOf(login);
    const { csrf } = (await login.json()) as { readonly csrf: string };
    const viewer = await upgrade([`cookie: ${cookie}`, `origin: ${url}`]);
    expect(viewer.answer).toMatch(/^HTTP\/1\.1 101 /);
    await eventually(() => preview.counters.viewers === 1);
    await fetch(`${url}/api/session`, { method: "DELETE", headers: { cookie, "x-spotlive-csrf": csrf } });
    await eventually(() => preview.counters.viewers === 0);
    viewer.leave();
  });

  it.each([
    ["something that is no JSON", "hello", "Expected a JSON object."],
    ["an unknown word", `{"type":"dance"}`, "Expected type: watch, answer, candidate or failed."],
    ["bytes", Buffer.from("{}"), "Expected a message as text, got bytes."],
  ])("is closed in plain words on %s", async (_what, message, reason) => {
    await serve();
    const client = open();
    await once(client.socket, "open");
    client.socket.send(message);
    expect(await client.closed).toEqual({ code: 1003, reason });
  });

  it.each([
    ["says so", "x-forwarded-for: 192.0.2.7"],
    ["is seen by the name that is asked for", ""],
  ])("sends a viewer behind a proxy that %s to the frames at once", async (_what, header) => {
    await serve({ allowedHosts: ["dog.example.org"] });
    const viewer = await upgrade([header].filter(Boolean), header === "" ? "dog.example.org" : undefined);
    const answered = viewer.untilSaid("no-webrtc");
    viewer.say(JSON.stringify({ type: "watch", latency: "live", transport: "webrtc" }));
    expect(await answered).toContain("The page comes through a proxy");
    viewer.leave();
  });

  it("is refused to a page of another site, and to somebody without credentials", async () => {
    await serve({ password: new Secret("correct horse") });
    const authorization = `authorization: Basic ${Buffer.from("ann:correct horse").toString("base64")}`;
    const answers = await Promise.all([
      upgrade([authorization, "origin: https://evil.example.org"]),
      upgrade([]),
      upgrade([authorization, `origin: ${url}`]),
    ]);
    expect(answers.map(({ answer }) => answer.split(" ")[1])).toEqual(["421", "401", "101"]);
    for (const { leave } of answers) leave();
  });

  it("refuses more viewers than configured, in plain words", async () => {
    await serve();
    const clients = [open(), open(), open()];
    const { code } = await Promise.race(clients.map(({ closed }) => closed));
    expect(code).toBe(4000);
    expect(clients.flatMap(({ messages }) => messages)).toContainEqual({
      type: "refused",
      code: "too-many-viewers",
      text: expect.stringContaining("All 2 places"),
    });
    for (const { socket } of clients) socket.close();
  });

  it("leaves out pictures for a viewer who does not read, and serves the other one whole", async () => {
    await serve();
    const stuck = await upgrade([]);
    stuck.say(watch);
    const client = open();
    await once(client.socket, "open");
    client.socket.send(watch);
    await eventually(() => client.messages.length > 0 && preview.counters.viewers === 2);
    for (let i = 0; i < 40; i += 1) {
      attendance.show(videoUnit(1000 + i, i % 10 === 0, 500_000));
      await eventually(() => client.frames.length === i + 1);
    }
    expect(client.frames).toEqual(Array.from({ length: 40 }, (_, i) => 1000 + i));
    expect(preview.counters.droppedPictures).toBeGreaterThan(10);
    stuck.leave();
    await eventually(() => preview.counters.viewers === 1);
    client.socket.close();
  });

  it("is closed when the surface ends, also to a viewer who does not read", async () => {
    await serve();
    const stuck = await upgrade([]);
    const client = open();
    await once(client.socket, "open");
    const before = performance.now();
    controller.abort();
    await running;
    expect(performance.now() - before).toBeLessThan(10_000);
    expect(await client.closed).toEqual({ code: 1001, reason: "spotlive stops" });
    await eventually(() => preview.counters.viewers === 0);
    stuck.leave();
  });

  it("is counted in the metrics", async () => {
    await serve();
    const client = open();
    await eventually(() => client.messages.length === 1);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toMatch(/^spotlive_preview_viewers 1$/m);
    expect(text).toMatch(/^spotlive_preview_dropped_pictures_total 0$/m);
    client.socket.close();
  });

  it("asks for a websocket where there is one", async () => {
    await serve();
    expect((await fetch(`${url}/api/preview`)).status).toBe(404);
  });
});

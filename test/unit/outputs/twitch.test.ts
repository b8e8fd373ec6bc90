import fc from "fast-check";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { Secret } from "../../../src/domain/secret.ts";
import type { StatusEvent } from "../../../src/domain/status.ts";
import { createTwitchTarget } from "../../../src/outputs/twitch.ts";
import { fallbackList, parseIngestList } from "../../../src/outputs/twitch-list.ts";
import { startIngest } from "../../../src/simulator/ingest.ts";
import { freePort } from "../../helpers/nginx.ts";

const never = new AbortController().signal;
const entry = (url: string, more: object = {}): object => ({ url_template: `${url}/{stream_key}`, ...more });
const list = (...ingests: object[]): string => JSON.stringify({ ingests });

describe("Twitch's list of ingests", () => {
  it("is sorted by priority and then by number, without what is not available", () => {
    const text = list(
      entry("rtmp://c/app", { priority: 2, _id: 1 }),
      entry("rtmp://b/app", { priority: 1, _id: 5 }),
      entry("rtmp://a/app", { priority: 1, _id: 4 }),
      entry("rtmp://d/app", { availability: 0 }),
    );
    expect(parseIngestList(text)).toEqual({
      urls: ["rtmp://a/app", "rtmp://b/app", "rtmp://c/app"],
      skipped: 1,
    });
  });

  it("gives encrypted ingests only, if it has any", () => {
    const secure = { url_template_secure: "rtmps://b:443/app/{stream_key}" };
    expect(parseIngestList(list(entry("rtmp://a/app"), entry("rtmp://b/app", secure))).urls).toEqual([
      "rtmps://b:443/app",
    ]);
  });

  it("counts the entries that it cannot use", () => {
    const odd = [
      {},
      null,
      7,
      { url_template: 5 },
      { url_template: "http://x/app/{stream_key}" },
      { url_template: "rtmp://x/app" },
    ];
    const text = JSON.stringify({ ingests: [...odd, entry("rtmp://a/app")] });
    expect(parseIngestList(text)).toEqual({ urls: ["rtmp://a/app"], skipped: odd.length });
  });

  it("throws nothing but a fault, whatever the text", () => {
    const json = fc.oneof(
      fc.json(),
      fc.string(),
      fc.jsonValue().map((value) => JSON.stringify({ ingests: value })),
    );
    fc.assert(
      fc.property(json, (text) => {
        try {
          parseIngestList(text);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
        }
      }),
    );
  });

  it("has an encrypted fallback", () => {
    expect(fallbackList.urls[0]).toMatch(/^rtmps:/);
  });
});

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

describe("Twitch as a target", () => {
  let directory: string;
  let events: StatusEvent[];
  const servers: Server[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "spotlive-twitch-"));
    events = [];
  });

  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true });
  });

  async function serveList(answer: RequestListener): Promise<string> {
    const server = createServer(answer);
    servers.push(server);
    return `http://127.0.0.1:${await listen(server)}/ingests`;
  }

  const serveText = (text: string): Promise<string> => serveList((_, response) => response.end(text));

  function target(listUrl: string, more: object = {}): ReturnType<typeof createTwitchTarget> {
    return createTwitchTarget({
      name: "twitch",
      streamKey: new Secret("live_1_abc"),
      bandwidthTest: false,
      cachePath: join(directory, "ingests.json"),
      listUrl,
      report: (event) => events.push(event),
      ...more,
    });
  }

  it("is the ingest that completes the handshake, not one that only takes the connection or is closed", async () => {
    await using ingest = await startIngest({}, never);
    const mute = createTcpServer((socket) => socket.on("error", () => {}).resume());
    servers.push(mute);
    const silent = `rtmp://127.0.0.1:${await listen(mute)}/app`;
    const closed = `rtmp://127.0.0.1:${await freePort()}/app`;
    const listUrl = await serveText(list(entry(silent), entry(closed), entry(ingest.url)));
    const { url, streamKey } = await target(listUrl)(never);
    expect(url).toBe(ingest.url);
    expect(streamKey.reveal()).toBe("live_1_abc");
  });

  it("keeps the list, complete, and uses the kept one when Twitch cannot be asked", async () => {
    await using ingest = await startIngest({}, never);
    const text = list(entry(ingest.url));
    await target(await serveText(text))(never);
    expect(await readdir(directory)).toEqual(["ingests.json"]);
    expect(await readFile(join(directory, "ingests.json"), "utf8")).toBe(text);
    const broken = await serveList((_, response) => response.writeHead(503).end());
    expect((await target(broken)(never)).url).toBe(ingest.url);
    expect(events).toMatchObject([{ type: "notice", severity: "warning" }]);
  });

  it("does not replace a good kept list by a bad answer", async () => {
    await using ingest = await startIngest({}, never);
    await writeFile(join(directory, "ingests.json"), list(entry(ingest.url)));
    expect((await target(await serveText("<html>"))(never)).url).toBe(ingest.url);
    expect(await readFile(join(directory, "ingests.json"), "utf8")).toContain(ingest.url);
  });

  it("asks once for many connections", async () => {
    await using ingest = await startIngest({}, never);
    let asked = 0;
    const listUrl = await serveList((_, response) => {
      asked += 1;
      response.end(list(entry(ingest.url)));
    });
    const resolve = target(listUrl);
    await resolve(never);
    await resolve(never);
    expect(asked).toBe(1);
  });

  it("tells how many entries were left out", async () => {
    await using ingest = await startIngest({}, never);
    await target(await serveText(list({}, entry(ingest.url))))(never);
    expect(events).toMatchObject([{ text: expect.stringContaining("1 entries") as string }]);
  });

  it("is a fixed ingest by configuration, without any question", async () => {
    const resolve = target("http://127.0.0.1:1/", { ingest: "rtmps://host:443/app/{stream_key}" });
    expect((await resolve(never)).url).toBe("rtmps://host:443/app");
    expect(() => target("", { ingest: "nonsense" })).toThrow(Fault);
  });

  it("asks for a bandwidth test by the key", async () => {
    const resolve = target("", { ingest: "rtmp://host/app", bandwidthTest: true });
    expect((await resolve(never)).streamKey.reveal()).toBe("live_1_abc?bandwidthtest=true");
  });

  it("rejects with a fault when no ingest answers", async () => {
    const listUrl = await serveText(list(entry(`rtmp://127.0.0.1:${await freePort()}/app`)));
    await expect(target(listUrl)(never)).rejects.toMatchObject({ code: "output-unreachable" });
  });
});

import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "../../src/domain/secret.ts";
import { isWithoutChromium, startChromium } from "../helpers/chromium.ts";
import type { Chromium, Page } from "../helpers/chromium.ts";
import { startHttp } from "../helpers/http-surface.ts";

const password = "correct horse";
const page = `<!doctype html><title>page</title>
<script>globalThis.inlineRan = true</script>
<script src="/assets/app.js"></script>
<p style="color: red">Text.</p>`;
const script = `globalThis.ran = true;`;

let chromium: Chromium;
let pageFolder = "";
beforeAll(async () => {
  pageFolder = await mkdtemp(join(tmpdir(), "spotlive-page-"));
  await mkdir(join(pageFolder, "assets"));
  await writeFile(join(pageFolder, "index.html"), page);
  await writeFile(join(pageFolder, "assets", "app.js"), script);
  if (!isWithoutChromium) chromium = await startChromium();
});
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]();
  await rm(pageFolder, { recursive: true });
});

/** What a script of the page gets for a request: the status, and what is in the answer. */
async function ask(
  page: Page,
  method: string,
  path: string,
  body?: object,
  csrf?: string,
): Promise<readonly [number, unknown]> {
  const headers = {
    ...(body && { "content-type": "application/json" }),
    ...(csrf && { "x-spotlive-csrf": csrf }),
  };
  const options = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  const expression = `fetch(${JSON.stringify(path)}, ${JSON.stringify(options)}).then(async (answer) => JSON.stringify([answer.status, await answer.json()]))`;
  return JSON.parse(await page.evaluate<string>(expression)) as [number, unknown];
}

describe.skipIf(isWithoutChromium)("a browser at the page", () => {
  it("logs in, sends nothing without the header, follows the events, and logs out", async () => {
    await using http = await startHttp({ pageFolder, password: new Secret(password) });
    const page = await chromium.open(`${http.url}/`);
    expect(await ask(page, "GET", "/api/status")).toMatchObject([401, { fault: { code: "not-permitted" } }]);
    const [, wrong] = await ask(page, "POST", "/api/session", { username: "ann", password: "wrong" });
    expect(wrong).toMatchObject({ fault: { message: "The user, the password or the token is wrong." } });
    const [status, session] = await ask(page, "POST", "/api/session", { username: "ann", password });
    expect([status, session]).toMatchObject([200, { by: "ann" }]);
    const { csrf } = session as { readonly csrf: string };
    expect(await page.evaluate("document.cookie")).toBe("");
    expect(await ask(page, "GET", "/api/status")).toMatchObject([200, { phase: "idle" }]);
    expect((await ask(page, "POST", "/api/commands", { kind: "start" }))[0]).toBe(403);
    expect((await ask(page, "POST", "/api/commands", { kind: "stop" }, csrf))[0]).toBe(200);
    expect(http.line.requests).toMatchObject([{ command: { kind: "stop" }, by: "ann" }]);
    const event = `new Promise((resolve, reject) => {
      globalThis.events = new EventSource("/api/events");
      events.addEventListener("status", ({ data }) => resolve(JSON.parse(data).phase));
      events.addEventListener("error", reject);
    })`;
    expect(await page.evaluate(event)).toBe("idle");
    const again = await chromium.open(`${http.url}/`);
    expect(await ask(again, "GET", "/api/session")).toMatchObject([200, { by: "ann", csrf }]);
    const closed = page.evaluate(
      `new Promise((resolve) => events.addEventListener("error", () => resolve("closed")))`,
    );
    expect(await ask(again, "DELETE", "/api/session", undefined, csrf)).toMatchObject([200, { by: null }]);
    expect(await closed).toBe("closed");
    expect((await ask(page, "GET", "/api/status"))[0]).toBe(401);
  });

  it("runs the page's own script and nothing that stands in the page", async () => {
    await using http = await startHttp({ pageFolder });
    const page = await chromium.open(`${http.url}/`);
    expect(await page.evaluate("[globalThis.ran, globalThis.inlineRan ?? false].join()")).toBe("true,false");
    expect(await page.evaluate("getComputedStyle(document.querySelector('p')).color")).toBe("rgb(0, 0, 0)");
    const written = `try { document.body.innerHTML = "<b>x</b>"; "written" } catch (error) { error.name }`;
    expect(await page.evaluate(written)).toBe("TypeError"); // no trusted type
    await expect(page.evaluate(`fetch("http://127.0.0.1:9/")`)).rejects.toThrow("Failed to fetch");
  });

  it("does nothing here for the page of another site, whoever is logged in", async () => {
    await using http = await startHttp({ pageFolder, password: new Secret(password) });
    const own = await chromium.open(`${http.url}/`);
    await ask(own, "POST", "/api/session", { username: "ann", password });
    await using open = await startHttp({ pageFolder }); // nobody needs to log in there
    const other = createServer((_request, response) => {
      response.setHeader("content-type", "text/html").end("<!doctype html><title>other</title>");
    }).listen(0, "127.0.0.1");
    await once(other, "listening");
    try {
      const { port } = other.address() as AddressInfo;
      for (const host of ["127.0.0.1", "localhost"]) {
        const page = await chromium.open(`http://${host}:${port}/`);
        for (const { url, line } of [http, open]) {
          const options = {
            method: "POST",
            mode: "no-cors",
            credentials: "include",
            body: '{"kind":"start"}',
          };
          await page.evaluate(
            `fetch("${url}/api/commands", ${JSON.stringify(options)}).catch(() => {}).then(() => 0)`,
          );
          await expect(
            page.evaluate(`fetch("${url}/api/status", { credentials: "include" })`),
          ).rejects.toThrow();
          expect(line.requests).toEqual([]);
        }
      }
      expect(await ask(own, "GET", "/api/session")).toMatchObject([200, { by: "ann" }]);
    } finally {
      other.close();
      other.closeAllConnections();
    }
  });
});

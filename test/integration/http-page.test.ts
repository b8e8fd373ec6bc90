import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "../../src/domain/secret.ts";
import { startHttp } from "../helpers/http-surface.ts";

let pageFolder = "";
const script = "console.log('page')";
beforeAll(async () => {
  pageFolder = await mkdtemp(join(tmpdir(), "spotlive-page-"));
  await mkdir(join(pageFolder, "assets"));
  await writeFile(join(pageFolder, "index.html"), "<!doctype html><title>spotlive</title>");
  await writeFile(join(pageFolder, "assets", "app-1.js"), script);
  await writeFile(join(pageFolder, "assets", "app-1.js.br"), brotliCompressSync(script));
  await writeFile(join(pageFolder, "secret.js"), "outside");
});
afterAll(() => rm(pageFolder, { recursive: true }));

/** Asks for an address as it is written: `fetch` would tidy it up, and unpack the answer. */
async function get(
  url: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  const asked = request(url, { path, headers, agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return response;
}

describe("the page", () => {
  it("is there without login, under a policy that lets nothing else in", async () => {
    await using http = await startHttp({ pageFolder, password: new Secret("correct horse") });
    const response = await get(http.url, "/");
    expect(response.statusCode).toBe(200);
    expect(await text(response)).toContain("<title>spotlive</title>");
    expect(response.headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
    });
    const policy = response.headers["content-security-policy"];
    expect(policy).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
        "media-src 'self' blob: mediastream:; connect-src 'self'; font-src 'self'; manifest-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
    );
  });

  it("has files that a browser keeps, packed as it takes them", async () => {
    await using http = await startHttp({ pageFolder, password: new Secret("correct horse") });
    const plain = await get(http.url, "/assets/app-1.js");
    expect(await text(plain)).toBe(script);
    expect(plain.headers).toMatchObject({
      "cache-control": "public, max-age=31536000, immutable",
      "content-type": "text/javascript; charset=utf-8",
      vary: "accept-encoding",
    });
    const packed = await get(http.url, "/assets/app-1.js", { "accept-encoding": "br, gzip" });
    expect(packed.headers["content-encoding"]).toBe("br");
    const chunks: Buffer[] = [];
    for await (const chunk of packed) chunks.push(chunk as Buffer);
    expect(brotliDecompressSync(Buffer.concat(chunks)).toString()).toBe(script);
  });

  it.each([
    "/assets/app-2.js",
    "/assets/../secret.js",
    "/assets/..%2fsecret.js",
    "/assets/%2e%2e/secret.js",
    "/assets/..%5csecret.js",
    "/assets/app-1.js%00",
    "/secret.js",
    "/assets/",
    "/index.html",
  ])("has nothing at %s", async (path) => {
    await using http = await startHttp({ pageFolder });
    const response = await get(http.url, path);
    expect([response.statusCode, response.headers["cache-control"]]).toEqual([404, "no-store"]);
    expect(await text(response)).toContain('"code":"usage"');
  });

  it("may be reached by a link of another site, and nothing else may", async () => {
    await using http = await startHttp({ pageFolder });
    const headers = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    expect((await get(http.url, "/", headers)).statusCode).toBe(200);
    expect((await get(http.url, "/assets/app-1.js", headers)).statusCode).toBe(421);
    expect((await get(http.url, "/", { host: "evil.example" })).statusCode).toBe(421);
  });

  it("says how it is built where it has not been", async () => {
    await using http = await startHttp({ pageFolder: join(pageFolder, "nowhere") });
    const response = await get(http.url, "/");
    expect([response.statusCode, response.headers["content-type"]]).toEqual([
      503,
      "text/plain; charset=utf-8",
    ]);
    expect(await text(response)).toContain("npm run web");
  });

  it("is not there where none is wanted", async () => {
    await using http = await startHttp();
    expect((await get(http.url, "/")).statusCode).toBe(404);
  });
});

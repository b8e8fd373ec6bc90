import { describe, expect, it } from "vitest";
import { Secret } from "../../src/domain/secret.ts";
import { cookieOf, postJson, startHttp } from "../helpers/http-surface.ts";
import type { RunningHttp } from "../helpers/http-surface.ts";

const password = "correct horse";
const token = "0123456789abcdef0123";
const closed = { password: new Secret(password), token: new Secret(token) };
const right = { username: "ann", password };
const start = { kind: "start" };

interface Told {
  readonly protected: boolean;
  readonly by: string | null;
  readonly csrf: string | null;
}

const told = async (response: Response): Promise<Told> => (await response.json()) as Told;

interface Browser {
  readonly cookie: string;
  readonly csrf: string;
}

async function login({ url }: RunningHttp, body: unknown = right): Promise<Browser> {
  const response = await postJson(`${url}/api/session`, body, { origin: url });
  expect(response.status).toBe(200);
  return { cookie: cookieOf(response), csrf: (await told(response)).csrf ?? "" };
}

const get = (url: string, headers: Record<string, string> = {}): Promise<Response> => fetch(url, { headers });

describe("the login of a browser", () => {
  it("gives a cookie that opens every route, and that only our own page sends", async () => {
    await using http = await startHttp(closed);
    const before = await get(`${http.url}/api/session`);
    expect(await before.json()).toEqual({
      ...{ protected: true, by: null, csrf: null, version: "1.2.3", setup: false },
    });
    const response = await postJson(`${http.url}/api/session`, right);
    expect(response.headers.get("set-cookie")).toMatch(
      /^spotlive_session=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=604800$/,
    );
    const cookie = cookieOf(response);
    expect(await told(response)).toMatchObject({ protected: true, by: "ann" });
    for (const path of ["/api/status", "/metrics", "/readyz", "/api/openapi.json"])
      expect([path, (await get(http.url + path, { cookie })).status]).toEqual([path, 200]);
    const again = await get(`${http.url}/api/session`, { cookie });
    expect(cookieOf(again)).toBe(cookie);
    expect(await told(again)).toMatchObject({ by: "ann" });
  });

  it("takes the token as the password of anybody", async () => {
    await using http = await startHttp({ token: closed.token });
    const { cookie } = await login(http, { username: "", password: token });
    expect(await told(await get(`${http.url}/api/session`, { cookie }))).toMatchObject({ by: "token" });
  });

  it("says in a command who asked", async () => {
    await using http = await startHttp(closed);
    const { cookie, csrf } = await login(http);
    const headers = { cookie, origin: http.url, "x-spotlive-csrf": csrf };
    expect((await postJson(`${http.url}/api/commands`, start, headers)).status).toBe(200);
    expect(http.line.requests).toMatchObject([{ command: start, by: "ann", origin: "http" }]);
  });

  it.each([
    ["another user", { username: "bob", password }, 401],
    ["another password", { username: "ann", password: "correct hors" }, 401],
    ["nothing", {}, 400],
    ["a list as the password", { username: "ann", password: [password] }, 400],
    ["a very long password", { username: "ann", password: "x".repeat(2000) }, 400],
  ])("refuses %s", async (_what, body, status) => {
    await using http = await startHttp(closed);
    const response = await postJson(`${http.url}/api/session`, body);
    expect([response.status, response.headers.get("set-cookie")]).toEqual([status, null]);
    expect(await response.json()).toMatchObject({ ok: false, fault: { code: expect.any(String) } });
  });

  it("is closed to an address after five wrong guesses, whichever way they came", async () => {
    await using http = await startHttp(closed);
    const { cookie } = await login(http);
    for (let guess = 0; guess < 3; guess += 1)
      expect((await postJson(`${http.url}/api/session`, { ...right, username: "bob" })).status).toBe(401);
    for (let guess = 0; guess < 2; guess += 1)
      expect((await get(`${http.url}/api/status`, { authorization: "Bearer guess" })).status).toBe(401);
    const refused = await postJson(`${http.url}/api/session`, right);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(refused.headers.get("set-cookie")).toBeNull();
    expect((await get(`${http.url}/api/status`, { authorization: `Bearer ${token}` })).status).toBe(429);
    // Who is in already stays in.
    expect((await get(`${http.url}/api/status`, { cookie })).status).toBe(200);
  });

  it("is refused to a page of another site", async () => {
    await using http = await startHttp(closed);
    const response = await postJson(`${http.url}/api/session`, right, { origin: "http://evil.example" });
    expect([response.status, response.headers.get("set-cookie")]).toEqual([421, null]);
  });

  it("ends at logout, with what was opened by it", async () => {
    await using http = await startHttp(closed);
    const [ann, other] = [await login(http), await login(http)];
    const events = await get(`${http.url}/api/events`, { cookie: ann.cookie });
    const open = await get(`${http.url}/api/events`, { cookie: other.cookie });
    const response = await fetch(`${http.url}/api/session`, {
      method: "DELETE",
      headers: { cookie: ann.cookie, "x-spotlive-csrf": ann.csrf },
    });
    expect(response.headers.get("set-cookie")).toContain(
      "spotlive_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0",
    );
    expect(await told(response)).toMatchObject({ by: null, csrf: null });
    await expect(events.text()).rejects.toThrow();
    expect((await get(`${http.url}/api/status`, { cookie: ann.cookie })).status).toBe(401);
    expect((await get(`${http.url}/api/status`, { cookie: other.cookie })).status).toBe(200);
    await open.body?.cancel();
  });

  it("takes the place of the one that the same browser had", async () => {
    await using http = await startHttp(closed);
    const { cookie } = await login(http);
    const response = await postJson(`${http.url}/api/session`, right, { cookie });
    expect(cookieOf(response)).not.toBe(cookie);
    expect((await get(`${http.url}/api/status`, { cookie })).status).toBe(401);
  });

  it("does not hold beyond the end of spotlive", async () => {
    let cookie = "";
    {
      await using http = await startHttp(closed);
      ({ cookie } = await login(http));
    }
    await using http = await startHttp(closed);
    for (let asked = 0; asked < 6; asked += 1)
      expect((await get(`${http.url}/api/status`, { cookie })).status).toBe(401);
    await login(http); // an old cookie is no guess
  });
});

describe("what a page may change", () => {
  it.each([
    ["without the header", {}],
    ["with an empty one", { "x-spotlive-csrf": "" }],
    ["with another one", { "x-spotlive-csrf": "A".repeat(43) }],
  ])("is refused to the browser of somebody who is logged in %s", async (_what, headers) => {
    await using http = await startHttp(closed);
    const { cookie } = await login(http);
    await login(http);
    const response = await postJson(`${http.url}/api/commands`, start, { cookie, ...headers });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ fault: { code: "not-permitted" } });
    expect(http.line.requests).toEqual([]);
  });

  it("is refused with the header of another session", async () => {
    await using http = await startHttp(closed);
    const [{ cookie }, { csrf }] = [await login(http), await login(http)];
    const headers = { cookie, "x-spotlive-csrf": csrf };
    expect((await postJson(`${http.url}/api/commands`, start, headers)).status).toBe(403);
  });

  it("needs no header from a program", async () => {
    await using http = await startHttp(closed);
    const headers = { authorization: `Bearer ${token}` };
    expect((await postJson(`${http.url}/api/commands`, start, headers)).status).toBe(200);
  });

  it.each([{ origin: "own" }, { "sec-fetch-site": "same-origin" }])(
    "needs the header without a password too, where %o tells a browser",
    async (marks) => {
      await using http = await startHttp();
      const browser = JSON.parse(JSON.stringify(marks).replace("own", http.url)) as Record<string, string>;
      const { csrf, ...others } = await told(await get(`${http.url}/api/session`));
      expect(others).toMatchObject({ protected: false, by: null });
      expect((await postJson(`${http.url}/api/commands`, start, browser)).status).toBe(403);
      const headers = { ...browser, "x-spotlive-csrf": csrf ?? "" };
      expect((await postJson(`${http.url}/api/commands`, start, headers)).status).toBe(200);
      expect(http.line.requests).toHaveLength(1);
    },
  );

  it("is refused to what another site's page names, even where it could read nothing", async () => {
    await using http = await startHttp();
    for (const site of ["cross-site", "same-site"])
      expect((await get(`${http.url}/api/events`, { "sec-fetch-site": site })).status).toBe(421);
    for (const site of ["same-origin", "none"])
      expect((await get(`${http.url}/api/status`, { "sec-fetch-site": site })).status).toBe(200);
  });
});

describe("how to log in", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140";
  it.each([
    ["a program", { "user-agent": "curl/8", accept: "*/*" }, "Basic"],
    ["a person who asks for an address", { "user-agent": chrome, accept: "text/html,*/*" }, "Basic"],
    ["a page's script", { "user-agent": chrome, accept: "*/*" }, "Session"],
    ["a page's event stream", { "user-agent": chrome, accept: "text/event-stream" }, "Session"],
  ])("is told to %s in a way that opens no window behind a page", async (_what, headers, scheme) => {
    await using http = await startHttp({ password: closed.password });
    const response = await get(`${http.url}/api/status`, headers);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toMatch(new RegExp(`^${scheme}`));
  });
});

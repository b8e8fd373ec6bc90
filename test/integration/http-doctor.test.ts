import { describe, expect, it, vi } from "vitest";
import type { DoctorResult } from "../../src/verbs/doctor/report.ts";
import { startAppliance } from "../helpers/appliance.ts";
import { postJson, startHttp } from "../helpers/http-surface.ts";
import { freePort } from "../helpers/nginx.ts";

const look = (url: string): Promise<Response> => fetch(`${url}/api/doctor`, { method: "POST" });

describe("the doctor over HTTP", () => {
  it("looks once at a time, and then not again at once", async () => {
    const looking = Promise.withResolvers<object>();
    let looks = 0;
    await using http = await startHttp({
      doctor() {
        looks += 1;
        return looking.promise;
      },
    });
    const first = look(http.url);
    await expect.poll(() => looks).toBe(1);
    const second = await look(http.url);
    expect([second.status, Number(second.headers.get("retry-after"))]).toEqual([429, 10]);
    looking.resolve({ version: 1, ok: true, findings: [] });
    expect(await (await first).json()).toEqual({ version: 1, ok: true, findings: [] });
    const third = await look(http.url);
    expect(third.status).toBe(429);
    expect(Number(third.headers.get("retry-after"))).toBeGreaterThan(5);
    expect(looks).toBe(1);
  });

  it("ends with the surface", async () => {
    let ended = false;
    const begun = Promise.withResolvers<void>();
    {
      await using http = await startHttp({
        doctor: (signal) =>
          new Promise((_resolve, reject) => {
            begun.resolve();
            signal.addEventListener("abort", () => {
              ended = true;
              reject(new Error("ended"));
            });
          }),
      });
      void look(http.url).catch(() => {});
      await begun.promise;
    }
    expect(ended).toBe(true);
  });

  it("is refused to a page that does not know the header", async () => {
    await using http = await startHttp({ doctor: () => Promise.resolve({}) });
    expect((await postJson(`${http.url}/api/doctor`, {}, { origin: http.url })).status).toBe(403);
  });

  it("sees what the running spotlive sees, its secrets in the environment too, and tells none", async () => {
    const [port, ingest] = [await freePort(), await freePort()];
    const secret = "live_in_the_environment";
    await using appliance = await startAppliance(
      {
        ...{ autostart: "never", source: "file", file: { path: "$DIRECTORY/none.mp4" }, http: { port } },
        outputs: [{ name: "main", url: `rtmp://127.0.0.1:${ingest}/app` }],
      },
      { environment: { SPOTLIVE_STREAM_KEY: secret } },
    );
    await vi.waitFor(() => fetch(`http://127.0.0.1:${port}/healthz`), 10_000);
    const response = await look(`http://127.0.0.1:${port}`);
    const text = await response.text();
    const { ok, findings } = JSON.parse(text) as DoctorResult;
    const find = (id: string): unknown => findings.find((finding) => finding.id === id);
    expect(find("configuration")).toMatchObject({ verdict: "ok" });
    expect(find("secret-files")).toBeDefined();
    expect(find("ingest:main")).toMatchObject({ verdict: "wrong" });
    expect(ok).toBe(false);
    expect(text + appliance.output()).not.toContain(secret);
  });
});

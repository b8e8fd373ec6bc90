import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isWithoutChromium, startChromium } from "../helpers/chromium.ts";
import { descendantsOf, isAlive } from "../helpers/processes.ts";

describe.skipIf(isWithoutChromium)("Chromium", () => {
  it("decodes H.264 and AAC for hls.js", async () => {
    await using chromium = await startChromium();
    const page = await chromium.open("about:blank");
    const codecs = `video/mp4; codecs="avc1.640028,mp4a.40.2"`;
    expect(await page.evaluate(`MediaSource.isTypeSupported(${JSON.stringify(codecs)})`)).toBe(true);
  });

  it("leaves no process and no file behind", async () => {
    const chromium = await startChromium();
    await chromium.open("about:blank");
    const pids = [chromium.pid, ...descendantsOf(chromium.pid)];
    expect(pids.length).toBeGreaterThan(2);
    await chromium[Symbol.asyncDispose]();
    expect(pids.filter(isAlive)).toEqual([]);
    expect(existsSync(chromium.profile)).toBe(false);
  });

  it("throws here what a page throws", async () => {
    await using chromium = await startChromium();
    const page = await chromium.open("about:blank");
    await expect(page.evaluate("Promise.reject(new Error('no such thing'))")).rejects.toThrow(
      "no such thing",
    );
    await expect(chromium.open("http://127.0.0.1:1/")).rejects.toThrow("ERR_UNSAFE_PORT");
  });
});

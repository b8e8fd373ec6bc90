import { describe, expect, it } from "vitest";
import { writePage } from "../../image/web/write-page.ts";
import { productFile } from "../../src/lib/product-files.ts";
import { isLive, spotConfig, startAppliance } from "../helpers/appliance.ts";
import { isWithoutChromium } from "../helpers/chromium.ts";
import { openBrowser } from "../helpers/dashboard.ts";
import { eventually } from "../helpers/eventually.ts";
import { startLine } from "../helpers/line.ts";
import { freePort } from "../helpers/nginx.ts";
import { pictureNumber } from "../helpers/picture-number.ts";

describe.skipIf(isWithoutChromium)("the dashboard of a robot", () => {
  it("shows its picture, moves its camera, starts and stops its stream, and outlives a restart", async () => {
    await writePage(productFile("dist/web"));
    const http = { port: await freePort() };
    await using line = await startLine({ config: { http } });
    await using browser = await openBrowser();
    await using watched = await browser.page();
    const { page, complaints } = watched;
    const playing = page.locator(".picture.is-playing video");
    await line.appliance.until("live", isLive);
    await page.goto(`http://127.0.0.1:${http.port}`);
    await playing.waitFor();
    expect(await page.locator(".picture-facts").textContent()).toContain("WebRTC");
    const before = await pictureNumber(page);
    await eventually(async () => (await pictureNumber(page)) > before + 30);

    const panBefore = (await line.appliance.status()).camera?.position?.pan ?? 0;
    await page.getByRole("button", { name: "Look right" }).click();
    await line.appliance.until(
      "the camera has turned",
      ({ camera }) => Math.round((camera?.position?.pan ?? 0) - panBefore) === 8,
    );

    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("button", { name: "Really stop?" }).click();
    await line.appliance.until("idle", ({ phase }) => phase === "idle");
    await page.getByRole("status").filter({ hasText: "IDLE" }).waitFor();
    await page.getByRole("button", { name: "Go live" }).click();
    await line.appliance.until("live again", isLive);
    await page.getByRole("status").filter({ hasText: "LIVE" }).waitFor();
    await playing.waitFor();
    expect(complaints).toEqual([]);

    await line.appliance.terminate();
    await page.getByText("No connection to spotlive").waitFor();
    await using again = await startAppliance({
      ...{ ...spotConfig(line.robot), http },
      outputs: [{ name: "main", url: line.nginx.url, streamKey: "again" }],
    });
    await again.until("live after the restart", isLive);
    await playing.waitFor();
    const later = await pictureNumber(page);
    await eventually(async () => (await pictureNumber(page)) !== later);
    await page.getByText("No connection to spotlive").waitFor({ state: "hidden" });
    // The new spotlive knows nothing of the page's old secret.
    await page.getByRole("button", { name: "Lock" }).click();
    await again.until("locked", ({ locked }) => locked);
  });
});

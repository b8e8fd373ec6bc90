import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { writePage } from "../../image/web/write-page.ts";
import { productFile } from "../../src/lib/product-files.ts";
import { codeColumns, codeRows, gridRows, numberOfCells } from "../../src/simulator/robot/picture-code.ts";
import { isLive, spotConfig, startAppliance } from "../helpers/appliance.ts";
import { isWithoutChromium } from "../helpers/chromium.ts";
import { openBrowser } from "../helpers/dashboard.ts";
import { eventually } from "../helpers/eventually.ts";
import { startLine } from "../helpers/line.ts";
import { freePort } from "../helpers/nginx.ts";

/** How bright the middle of each cell of the picture's number is, in what the page shows at this moment. */
const readCells = `(() => {
  const video = document.querySelector("video");
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  const cells = [];
  for (let column = 0; column < ${codeColumns}; column += 1) {
    const x = Math.floor(((column + 0.5) / ${codeColumns}) * canvas.width);
    const y = Math.floor((${codeRows} / 2 / ${gridRows}) * canvas.height);
    cells.push(context.getImageData(x, y, 1, 1).data[0]);
  }
  return cells;
})()`;

/** The number that the robot has drawn into the picture that is seen now. */
async function pictureNumber(page: Page): Promise<number> {
  let number: number | undefined;
  await eventually(async () => {
    number = numberOfCells(await page.evaluate<number[]>(readCells));
    return number !== undefined;
  });
  return number ?? -1;
}

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

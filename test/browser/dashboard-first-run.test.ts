import { stat } from "node:fs/promises";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { writePage } from "../../image/web/write-page.ts";
import type { Status } from "../../src/domain/status.ts";
import { productFile } from "../../src/lib/product-files.ts";
import { startRobotProcess } from "../helpers/appliance.ts";
import { accessibilityProblems } from "../helpers/axe.ts";
import { isWithoutChromium } from "../helpers/chromium.ts";
import { openBrowser, screens } from "../helpers/dashboard.ts";
import { eventually } from "../helpers/eventually.ts";
import { judgeRecording } from "../helpers/judge.ts";
import { smallPicture } from "../helpers/line.ts";
import { startNginxRtmp } from "../helpers/nginx.ts";
import { pictureNumber } from "../helpers/picture-number.ts";
import { startUnconfigured } from "../helpers/unconfigured.ts";

const streamKey = "live_first_run_key";
const wrongPassword = "not the password";

/** The cards whose content is wider than they are, and the page if it is. */
const tooWide = `[...document.querySelectorAll(".card"), document.documentElement]
  .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
  .map((element) => element.tagName + "." + element.className)`;

/** The text of every answer that the page gets and that has an end. */
function keepAnswers(page: Page): () => Promise<string> {
  const answers: Promise<string>[] = [];
  page.on("response", (response) => {
    if (response.headers()["content-type"]?.startsWith("application/json") === true)
      answers.push(response.text().catch(() => ""));
  });
  return async () => (await Promise.all(answers)).join("\n");
}

/** While spotlive starts anew: before, within and after a request. */
const nobodyAnswered = /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE)/;

describe.skipIf(isWithoutChromium)("the first run", () => {
  it("leads a person from nothing to the robot's picture, live at the destination", async () => {
    await writePage(productFile("dist/web"));
    await using nginx = await startNginxRtmp();
    await using robot = await startRobotProcess(smallPicture);
    await using spotlive = await startUnconfigured();
    await using browser = await openBrowser();
    await using watched = await browser.page();
    const { page, complaints, shoot } = watched;
    const answers = keepAnswers(page);
    const { address, username, password } = robot.up;
    const field = (label: string): ReturnType<Page["getByLabel"]> => page.getByLabel(label, { exact: true });
    const press = (name: string): Promise<void> => page.getByRole("button", { name, exact: true }).click();
    const look = async (name: string): Promise<void> => {
      for (const screen of ["phone", "desktop"] as const) {
        await page.setViewportSize(screens[screen]);
        await shoot(`first-run-${name}-${screen}-dark`);
        expect(await accessibilityProblems(page), `${name}, ${screen}`).toEqual([]);
        expect(await page.evaluate<string[]>(tooWide), `${name}, ${screen}`).toEqual([]);
      }
    };

    await page.goto(spotlive.url);
    await page.getByRole("heading", { name: "Set up spotlive" }).waitFor();
    await look("begin");
    await field("Address").fill(address.host);
    await field("User name").fill(username);
    await field("Password").fill(wrongPassword);
    await page.getByText("Other ports").click();
    await field("Port of the robot").fill(String(address.grpcPort));
    await field("Port of the camera").fill(String(address.cameraPort));
    await press("Try");
    await page.getByText(`does not accept this password of user "${username}"`).waitFor();
    await look("wrong-password");
    await field("Password").fill(password);
    await press("Try");
    await page.getByText("It sends pictures of 640x360").waitFor();
    await look("robot");

    await press("Next");
    await page.getByRole("heading", { name: "internet-route" }).waitFor();
    await look("network");
    await page.getByRole("button", { name: /^(Next|Go on all the same)$/ }).click();
    await press("Another RTMP server");
    await field("Server and application").fill(nginx.url);
    await field("Stream key").fill(streamKey);
    await press("Try");
    await page.getByText("The uplink carries").waitFor();
    expect(nginx.publishes.map((fields) => fields.get("name"))).toEqual([streamKey]);
    await look("destination");
    await press("Next");
    await page.getByText(`${username} at ${address.host}`).waitFor();
    await look("ready");

    await press("Save and start");
    await page.locator(".picture.is-playing video").waitFor();
    const before = await pictureNumber(page);
    await eventually(async () => (await pictureNumber(page)) > before + 30);
    await page.getByRole("status").filter({ hasText: "LIVE" }).waitFor();
    const status = (await (await fetch(`${spotlive.url}/api/status`)).json()) as Status;
    expect(status).toMatchObject({
      phase: "live",
      source: { name: "spot" },
      outputs: [{ state: "running" }],
    });
    await look("live");
    expect((await stat(spotlive.file)).mode & 0o777).toBe(0o600);

    const seen = [await page.content(), await answers(), spotlive.output()].join("\n");
    for (const secret of [password, wrongPassword, streamKey]) expect(seen).not.toContain(secret);
    expect(complaints.filter((text) => !nobodyAnswered.test(text))).toEqual([]);
    spotlive.terminate();
    expect(await spotlive.ended).toBe(0);
    expect(nginx.publishes.length).toBe(2);
    await eventually(async () => {
      const { numbers } = await judgeRecording(nginx.fileOf(streamKey));
      return new Set(numbers).size > 30;
    });
  });
});

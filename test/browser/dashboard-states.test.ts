import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BrowserContextOptions, Page } from "playwright-core";
import { Secret } from "../../src/domain/secret.ts";
import { accessibilityProblems } from "../helpers/axe.ts";
import { isWithoutChromium } from "../helpers/chromium.ts";
import { openBrowser, screens, startDashboard } from "../helpers/dashboard.ts";
import type { PageBrowser, RunningDashboard, WatchedPage } from "../helpers/dashboard.ts";
import { findings, states, testConfig, testHistory } from "../helpers/dashboard-states.ts";
import { encodeTestPictures, routePreview } from "../helpers/preview-frames.ts";
import type { TestPicture } from "../helpers/preview-frames.ts";

/** Wide and narrow, dark and light: each state is looked at by two of the four, what is looked at longest by all. */
const looks: Readonly<Record<string, BrowserContextOptions>> = {
  "desktop-dark": { viewport: screens.desktop, colorScheme: "dark" },
  "phone-light": { viewport: screens.phone, colorScheme: "light", hasTouch: true, isMobile: true },
};
const moreLooks: Readonly<Record<string, BrowserContextOptions>> = {
  "desktop-light": { viewport: screens.desktop, colorScheme: "light" },
  "phone-dark": { viewport: screens.phone, colorScheme: "dark", hasTouch: true, isMobile: true },
  "tablet-dark": { viewport: screens.tablet, colorScheme: "dark", hasTouch: true },
};

describe.skipIf(isWithoutChromium)(
  "the dashboard is seen well, with nothing for axe or the policy to refuse",
  () => {
    let http: RunningDashboard;
    let browser: PageBrowser;
    let pictures: readonly TestPicture[];
    beforeAll(async () => {
      [http, browser, pictures] = await Promise.all([
        startDashboard({ doctor: () => Promise.resolve({ version: 1, ok: false, findings }) }),
        openBrowser(),
        encodeTestPictures(),
      ]);
    });
    afterAll(async () => {
      await browser[Symbol.asyncDispose]();
      await http[Symbol.asyncDispose]();
    });

    async function open(look: BrowserContextOptions, hash = ""): Promise<WatchedPage> {
      const watched = await browser.page(look);
      await routePreview(watched.page, pictures);
      await watched.page.route("**/api/history", (route) => route.fulfill({ json: testHistory(Date.now()) }));
      await watched.page.route("**/api/config", (route) => route.fulfill({ json: testConfig }));
      await watched.page.goto(`${http.url}/${hash}`);
      return watched;
    }

    /** Looks at the page in every way, once it is ready. */
    async function lookAt(
      name: string,
      hash: string,
      ready: (page: Page) => Promise<unknown>,
      all: Readonly<Record<string, BrowserContextOptions>> = looks,
    ): Promise<void> {
      for (const [look, options] of Object.entries(all)) {
        await using opened = await open(options, hash);
        const { page, complaints, shoot } = opened;
        await ready(page);
        await shoot(`${name}-${look}`);
        expect(await accessibilityProblems(page), look).toEqual([]);
        expect(
          await page.evaluate("document.documentElement.scrollWidth - innerWidth"),
          look,
        ).toBeLessThanOrEqual(0);
        expect(complaints, look).toEqual([]);
      }
    }

    const untilPlaying = (page: Page): Promise<unknown> => page.locator(".picture.is-playing").waitFor();

    it.each(Object.entries(states))("in the state %s", async (name, status) => {
      http.line.status = status;
      await lookAt(name, "", untilPlaying, name === "live" ? { ...looks, ...moreLooks } : looks);
    });

    it("while there is no picture", async () => {
      http.line.status = states["idle"] ?? http.line.status;
      await using opened = await browser.page();
      const { page, complaints, shoot } = opened;
      await routePreview(page, pictures, { state: "idle", text: "The line is idle, and so is the camera." });
      await page.route("**/api/config", (route) => route.fulfill({ json: testConfig }));
      await page.goto(http.url);
      await page.getByText("The line is idle, and so is the camera.").waitFor();
      await shoot("no-picture-desktop-dark");
      expect(await accessibilityProblems(page)).toEqual([]);
      expect(complaints).toEqual([]);
    });

    it("in the log", async () => {
      const { journal, line } = http;
      const text = "The uplink to twitch got slower.";
      journal.note({ type: "phase", phase: "live", reason: "Live on twitch." });
      journal.note({ type: "notice", part: "uplink", severity: "warning", text });
      const submit = journal.watch(line.context.submit);
      const look = { kind: "look", pan: -10, tilt: 0, zoom: 1 } as const;
      await submit({ id: "1", command: { kind: "lock" }, origin: "http" });
      await submit({
        ...{ id: "2", command: { kind: "camera", action: look }, origin: "chat" },
        by: "<img src=x onerror=alert(1)>",
      });
      await lookAt("log", "#log", async (page) => {
        await page.getByText("The uplink to twitch got slower.").waitFor();
        await page.getByText("<img src=x onerror=alert(1)>, chat").waitFor();
      });
    });

    it("with what the doctor finds", async () => {
      await lookAt("doctor", "#doctor", async (page) => {
        // It looks once in ten seconds: both pages see what the first has asked for.
        await page.route("**/api/doctor", (route) =>
          route.fulfill({ json: { version: 1, ok: false, findings } }),
        );
        await page.getByRole("button", { name: "Look at everything" }).click();
        await page.getByText("Do:").first().waitFor();
      });
    });

    it("in the settings", async () => {
      await lookAt("settings", "#settings", async (page) => {
        await page.locator("summary", { hasText: "Http" }).click();
        await page.getByLabel("Port").fill("0");
      });
    });

    it("in settings that spotlive may not change", async () => {
      await using opened = await open({}, "#settings");
      const { page, complaints, shoot } = opened;
      const advice = "The service may read it, and not write it. On this machine: sudoedit it.";
      await page.route("**/api/config", (route) =>
        route.fulfill({ json: { ...testConfig, writable: false, advice } }),
      );
      await page.reload();
      await page.getByText(`They can only be looked at here. ${advice}`).waitFor();
      expect(await page.locator(".key-input :enabled").count()).toBe(0);
      await shoot("settings-read-only-desktop-dark");
      expect(await accessibilityProblems(page)).toEqual([]);
      expect(complaints).toEqual([]);
    });

    it("in a set-up whose outcome cannot be kept", async () => {
      const session = { protected: false, by: null, csrf: "x", version: "1", setup: true };
      await using opened = await open({});
      const { page, shoot } = opened;
      await page.route("**/api/session", (route) => route.fulfill({ json: session }));
      await page.route("**/api/config", (route) =>
        route.fulfill({ json: { ...testConfig, writable: false, advice: "Do it by hand." } }),
      );
      await page.reload();
      await page.getByText("What is tried here cannot be kept. Do it by hand.").waitFor();
      await shoot("setup-read-only-desktop-dark");
      expect(await accessibilityProblems(page)).toEqual([]);
    });

    it("in the set-up", async () => {
      const session = { protected: false, by: null, csrf: "x", version: "1", setup: true };
      await using opened = await browser.page();
      const { page, complaints, shoot } = opened;
      await page.route("**/api/session", (route) => route.fulfill({ json: session }));
      await page.route("**/api/config", (route) =>
        route.fulfill({
          json: route.request().method() === "GET" ? testConfig : { ok: true, restartNeeded: true },
        }),
      );
      await page.route("**/api/setup/robot", (route) =>
        route.fulfill({
          json: {
            steps: [
              { name: "Reached", ok: true, text: "The robot answers." },
              { name: "Logged in", ok: true, text: "As stream." },
              { name: "Camera", ok: true, text: "A Spot CAM with PTZ." },
            ],
            settings: { "spot.tls.fingerprint": "AB:CD" },
          },
        }),
      );
      const about = { meaning: "Pictures would go to the robot.", remedy: "Take its gateway away." };
      await page.route("**/api/doctor", (route) =>
        route.fulfill({
          json: {
            findings: [
              {
                id: "internet-route",
                verdict: "wrong",
                evidence: "The default route goes over eth0.",
                ...about,
              },
              { id: "memory", verdict: "ok", evidence: "8 GB.", meaning: "", remedy: "" },
            ],
          },
        }),
      );
      await page.route("**/api/setup/ingest", (route) =>
        route.fulfill({ json: { ok: true, bitsPerSecond: 6_400_000, text: "Twitch took it for 10 s." } }),
      );
      await page.goto(http.url);
      await page.getByLabel("User name").fill("stream");
      await page.getByLabel("Password").fill("secret");
      await page.getByRole("button", { name: "Try" }).click();
      await page.getByText("A Spot CAM with PTZ.").waitFor();
      await shoot("setup-robot-desktop-dark");
      expect(await accessibilityProblems(page)).toEqual([]);
      await page.getByRole("button", { name: "Next" }).click();
      await page.getByText("Something stands in the way.").waitFor();
      await page.getByText("The default route goes over eth0.").waitFor();
      expect(await page.getByText("8 GB.").count()).toBe(0);
      await shoot("setup-network-desktop-dark");
      expect(await accessibilityProblems(page)).toEqual([]);
      await page.getByRole("button", { name: "Go on all the same" }).click();
      await page.getByLabel("Stream key").fill("live_x");
      await page.getByRole("button", { name: "Try" }).click();
      await page.getByText("The uplink carries 6.4 Mbit/s.").waitFor();
      await shoot("setup-ingest-desktop-dark");
      expect(await accessibilityProblems(page)).toEqual([]);
      await page.getByRole("button", { name: "Next" }).click();
      await page.getByText("stream at 192.168.50.3").waitFor();
      await shoot("setup-done-desktop-dark");
      expect(await accessibilityProblems(page)).toEqual([]);
      const saved = page.waitForRequest((request) => request.method() === "PUT");
      await page.route("**/api/restart", (route) => route.fulfill({ json: { ok: true } }));
      await page.getByRole("button", { name: "Save and start" }).click();
      expect((await saved).postDataJSON()).toEqual({
        changes: {
          ...{ source: "spot", "spot.host": "192.168.50.3", "spot.username": "stream" },
          ...{ "spot.password": "secret", "spot.tls.fingerprint": "AB:CD" },
          ...{ "outputs[0].kind": "twitch", "outputs[0].streamKey": "live_x", autostart: "always" },
        },
      });
      await page.getByText("this page goes on by itself").waitFor();
      expect(complaints).toEqual([]);
    });

    it("in the login", async () => {
      await using guarded = await startDashboard({ password: new Secret("a right long one") });
      for (const [look, options] of Object.entries(looks)) {
        await using opened = await browser.page(options);
        const { page, complaints, shoot } = opened;
        await page.goto(guarded.url);
        await page.getByRole("button", { name: "Log in" }).waitFor();
        await shoot(`login-${look}`);
        expect(await accessibilityProblems(page), look).toEqual([]);
        expect(complaints, look).toEqual([]);
      }
    });
  },
);

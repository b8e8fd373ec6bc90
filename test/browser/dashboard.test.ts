import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Page } from "playwright-core";
import type { Command } from "../../src/domain/command.ts";
import { Fault, summarize } from "../../src/domain/fault.ts";
import { Secret } from "../../src/domain/secret.ts";
import { isWithoutChromium } from "../helpers/chromium.ts";
import { openBrowser, startDashboard } from "../helpers/dashboard.ts";
import type { PageBrowser, RunningDashboard, WatchedPage } from "../helpers/dashboard.ts";
import { states } from "../helpers/dashboard-states.ts";
import { eventually } from "../helpers/eventually.ts";
import { encodeTestPictures, routePreview } from "../helpers/preview-frames.ts";
import type { PreviewPeer, TestPicture } from "../helpers/preview-frames.ts";

interface Opened extends WatchedPage {
  readonly http: RunningDashboard;
  readonly preview: PreviewPeer;
}

const live = states["live"];
const idle = states["idle"];
if (live === undefined || idle === undefined) throw new Error("the states are not there");

describe.skipIf(isWithoutChromium)("on the dashboard", () => {
  let browser: PageBrowser;
  let pictures: readonly TestPicture[];
  beforeAll(async () => {
    [browser, pictures] = await Promise.all([openBrowser(), encodeTestPictures()]);
  });
  afterAll(() => browser[Symbol.asyncDispose]());

  /** A page of its own before a line of its own. */
  async function open(status = live, prepare?: (page: Page) => Promise<unknown>): Promise<Opened> {
    const http = await startDashboard();
    http.line.status = status ?? http.line.status;
    const watched = await browser.page();
    const { page } = watched;
    const preview = await routePreview(page, pictures);
    await prepare?.(page);
    await page.goto(http.url);
    await page
      .getByRole("status")
      .filter({ hasText: /LIVE|IDLE/ })
      .waitFor();
    return {
      ...{ ...watched, http, preview },
      async [Symbol.asyncDispose]() {
        await watched[Symbol.asyncDispose]();
        await http[Symbol.asyncDispose]();
      },
    };
  }

  const commandsOf = ({ http }: Opened): Command[] => http.line.requests.map(({ command }) => command);
  const untilAsked = (opened: Opened, count: number): Promise<void> =>
    eventually(() => commandsOf(opened).length >= count);

  it("the line is started at one press and stopped at two", async () => {
    await using opened = await open(idle);
    const { page, http } = opened;
    http.line.answer = ({ id }) => {
      http.line.status = live;
      return Promise.resolve({ ok: true, id, status: live });
    };
    await page.getByRole("button", { name: "Go live" }).click();
    await page.getByRole("button", { name: "Stop" }).click();
    expect(commandsOf(opened)).toEqual([{ kind: "start" }]);
    await page.getByRole("button", { name: "Really stop?" }).click();
    await untilAsked(opened, 2);
    expect(commandsOf(opened)).toEqual([{ kind: "start" }, { kind: "stop" }]);
    expect(http.line.requests.every(({ origin }) => origin === "http")).toBe(true);
  });

  it("what is refused is said in the words of the refusal", async () => {
    await using opened = await open(idle);
    const fault = summarize(new Fault("not-permitted", "The robot is being repaired."));
    opened.http.line.answer = ({ id }) => Promise.resolve({ ok: false, id, fault });
    await opened.page.getByRole("button", { name: "Go live" }).click();
    await opened.page.getByText("The robot is being repaired.").waitFor();
  });

  it("destinations, cap, sound, lock and restart are set", async () => {
    await using opened = await open();
    const { page } = opened;
    await page.getByLabel("backup").click();
    await untilAsked(opened, 1);
    await page.getByLabel("Bit rate cap").fill("2.5");
    await page.getByLabel("Bit rate cap").press("Enter");
    await untilAsked(opened, 2);
    await page.getByLabel("Bit rate cap").fill("");
    await page.getByLabel("Bit rate cap").press("Enter");
    await untilAsked(opened, 3);
    await page.getByLabel("Sound").selectOption("camera");
    await untilAsked(opened, 4);
    await page.getByRole("button", { name: "Lock" }).click();
    await untilAsked(opened, 5);
    await page.getByRole("button", { name: "Restart" }).click();
    await untilAsked(opened, 6);
    expect(commandsOf(opened)).toEqual([
      { kind: "set", change: { destinations: ["twitch"] } },
      { kind: "set", change: { bitrateCap: 2_500_000 } },
      { kind: "set", change: { bitrateCap: null } },
      { kind: "set", change: { audio: "camera" } },
      { kind: "lock" },
      { kind: "restart" },
    ]);
  });

  it("the camera follows a drag, the wheel, the keys and the buttons, in few actions", async () => {
    await using opened = await open();
    const { page } = opened;
    const picture = page.getByRole("application", { name: /Camera picture/ });
    const box = await picture.boundingBox();
    if (box === null) throw new Error("the picture is not seen");
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x - 200, y + 50, { steps: 25 });
    await page.mouse.up();
    const looks = (): { pan: number; tilt: number; zoom: number }[] =>
      commandsOf(opened).flatMap((command) =>
        command.kind === "camera" && command.action.kind === "look" ? [command.action] : [],
      );
    const sum = (of: (look: { pan: number; tilt: number }) => number): number =>
      looks().reduce((total, look) => total + of(look), 0);
    const expected = (200 * 62) / box.width / 2.5;
    await eventually(() => sum(({ pan }) => pan) > expected - 0.1);
    expect(sum(({ pan }) => pan)).toBeCloseTo(expected, 0);
    expect(sum(({ tilt }) => tilt)).toBeCloseTo(expected / 4, 0);
    expect(looks().length).toBeLessThan(6);

    const dragged = looks().length;
    await page.mouse.wheel(0, -300);
    await untilAsked(opened, dragged + 1);
    await picture.press("Shift+ArrowLeft");
    await untilAsked(opened, dragged + 2);
    await page.getByRole("button", { name: "Zoom out" }).click();
    await untilAsked(opened, dragged + 3);
    expect(looks().slice(dragged)).toMatchObject([
      { pan: 0, tilt: 0, zoom: 1.57 },
      { pan: -1.5, tilt: 0, zoom: 1 },
      { pan: 0, tilt: 0, zoom: 0.8 },
    ]);
  });

  it("presets, screens and lights are asked for by name and value", async () => {
    await using opened = await open();
    const { page } = opened;
    await page.getByRole("button", { name: "door" }).click();
    await untilAsked(opened, 1);
    await page.getByLabel("Screen", { exact: true }).selectOption("pano_full");
    await untilAsked(opened, 2);
    await page.getByLabel("Lights").fill("0.8");
    await untilAsked(opened, 3);
    expect(commandsOf(opened)).toEqual([
      { kind: "camera", action: { kind: "preset", name: "door" } },
      { kind: "camera", action: { kind: "screen", name: "pano_full" } },
      { kind: "camera", action: { kind: "lights", brightness: 0.8 } },
    ]);
  });

  it("a camera is offered nothing that it cannot do, and no clip where there are none", async () => {
    const { camera: _camera, ...plain } = live;
    await using opened = await open(plain);
    const { page } = opened;
    await page.locator(".picture.is-playing").waitFor();
    expect(await page.getByRole("button", { name: /Look|Zoom|Clip/ }).count()).toBe(0);
    expect(await page.getByRole("application").count()).toBe(0);
  });

  it("the picture comes over the websocket when WebRTC does not get through, and says so", async () => {
    await using opened = await open();
    const { page, preview } = opened;
    await page.locator(".picture.is-playing canvas").waitFor();
    await page.getByText(/WebRTC does not get through here/).waitFor();
    expect(preview.said.map(({ type, transport, id }) => [type, transport ?? id])).toEqual([
      ...[
        ["watch", "webrtc"],
        ["failed", 1],
        ["watch", "websocket"],
      ],
    ]);
    await page.getByRole("button", { name: "Live", exact: true }).click();
    await eventually(() => preview.said.length > 3);
    expect(preview.said.at(-1)).toEqual({ type: "watch", latency: "live", transport: "websocket" });
    const rate = page.locator(".picture-facts .number");
    await eventually(async () => /^[1-9]\d* fps$/.test((await rate.textContent()) ?? ""));
  });

  it("the picture is played through Media Source Extensions where there are no WebCodecs, as without https", async () => {
    await using opened = await open(live, (page) => page.addInitScript("delete globalThis.VideoDecoder"));
    const { page } = opened;
    await page.locator(".picture.is-playing video").waitFor();
    const read =
      "(() => { const { videoWidth, currentTime } = document.querySelector('video'); return [videoWidth, currentTime]; })()";
    const [width, before] = (await page.evaluate(read)) as [number, number];
    expect(width).toBe(640);
    await eventually(async () => Number(await page.evaluate(`${read}[1]`)) > before + 1);
  });

  it("nothing jumps while the page fills, and little when the state changes", async () => {
    const watchShifts = `globalThis.shifts = [];
      new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries())
          shifts.push([value, ...sources.map(({ node }) => node?.className ?? node?.nodeName)]);
      }).observe({ type: "layout-shift", buffered: true });`;
    await using opened = await open(live, (page) => page.addInitScript(watchShifts));
    const { page, http } = opened;
    await page.locator(".picture.is-playing").waitFor();
    const shiftsNow = async (): Promise<number> => {
      const all = (await page.evaluate("shifts")) as readonly [number, ...string[]][];
      return all.reduce((total, [value]) => total + value, 0);
    };
    const filling = await shiftsNow();
    expect(filling).toBeLessThan(0.02);
    for (const name of ["holding", "troubled", "retrying", "live"]) {
      http.line.status = states[name] ?? live;
      const { phase, reason } = http.line.status;
      http.line.report({ type: "phase", phase, reason });
      await page.locator(`.state.is-${phase}`, { hasText: reason }).waitFor();
    }
    expect((await shiftsNow()) - filling).toBeLessThan(0.1);
  });

  it("the picture and the state come back by themselves after a restart of spotlive", async () => {
    await using opened = await open();
    const { page, preview, http } = opened;
    await page.locator(".picture.is-playing").waitFor();
    await page.route(/\/api\/(session|events|status)/, (route) => route.abort());
    await http[Symbol.asyncDispose]();
    for (const socket of preview.sockets) await socket.close();
    await page.getByText(/No connection to spotlive/).waitFor();
    expect(await page.getByRole("button", { name: "Stop" }).isDisabled()).toBe(true);
    await using again = await startDashboard({ port: Number(new URL(http.url).port) });
    again.line.status = { ...live, phase: "holding" };
    await page.unroute(/\/api\/(session|events|status)/);
    await page.getByRole("status").filter({ hasText: "HOLDING" }).waitFor();
    await page.getByText(/No connection to spotlive/).waitFor({ state: "hidden" });
    await page.locator(".picture.is-playing").waitFor();
    expect(preview.sockets.length).toBeGreaterThan(1);
  });
});

describe.skipIf(isWithoutChromium)("a dashboard with a password", () => {
  it("lets nobody in with a wrong one, and everybody out who logs out", async () => {
    await using http = await startDashboard({ password: new Secret("a right long one") });
    await using browser = await openBrowser();
    await using watched = await browser.page();
    const { page, shoot } = watched;
    await page.goto(http.url);
    const login = async (password: string): Promise<void> => {
      await page.getByLabel("User name").fill("ann");
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Log in" }).click();
    };
    await login("a wrong long one");
    await page.getByText("The user name or the password is wrong.").waitFor();
    await shoot("login-wrong-desktop-dark");
    await login("a right long one");
    await page.getByRole("button", { name: "Go live" }).click();
    await eventually(() => http.line.requests.length > 0);
    expect(http.line.requests).toMatchObject([{ by: "ann" }]);
    await page.getByRole("button", { name: "Log out ann" }).click();
    await page.getByLabel("Password").waitFor();
    await page.reload();
    await page.getByLabel("Password").waitFor();
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openUplink, whyNoUplink } from "../../src/simulator/uplink.ts";
import type { Uplink } from "../../src/simulator/uplink.ts";
import { spotConfig, startAppliance, startRobotProcess } from "../helpers/appliance.ts";
import { isWithoutChromium, startChromium } from "../helpers/chromium.ts";
import type { Chromium } from "../helpers/chromium.ts";
import { eventually } from "../helpers/eventually.ts";
import { smallPicture } from "../helpers/line.ts";
import { freePort } from "../helpers/nginx.ts";
import { watchPreview } from "../helpers/preview-line.ts";
import type { PreviewPage, SeenFrame } from "../helpers/preview-line.ts";
import { numbersOf, progressOf } from "../helpers/preview-progress.ts";

const { signal } = new AbortController();
const reason = await whyNoUplink(signal);
if (reason !== undefined) console.warn(reason);
const password = "the preview's password";
const lossPercent = 3;
const watched = 240;
const cameraFps = 30;

/** What Chromium says of the stream. */
interface Received {
  readonly framesDecoded: number;
  readonly framesDropped: number;
  readonly nackCount: number;
  /** Never repaired. */
  readonly packetsLost: number;
}

interface Seen extends Received {
  readonly frames: readonly SeenFrame[];
}

interface Arrived {
  readonly key: boolean;
  readonly rtp: number;
}

const repeated = `fetch("/metrics").then((answer) => answer.text()).then((text) =>
  Number(/^spotlive_preview_repeated_packets_total (\\d+)/m.exec(text)[1]))`;

describe.skipIf(isWithoutChromium || reason !== undefined)(
  "the preview in Chromium, beyond a network that drops 3 of 100 packets",
  () => {
    const held = new AsyncDisposableStack();
    let uplink: Uplink;
    let chromium: Chromium;
    let url = "";

    beforeAll(async () => {
      uplink = held.use(await openUplink({}, signal));
      const robot = held.use(await startRobotProcess(smallPicture, uplink.near));
      const http = { host: uplink.nearAddress, port: await freePort(), password };
      held.use(
        await startAppliance({ ...spotConfig(robot), http, autostart: "never" }, { enter: uplink.near }),
      );
      url = `http://${http.host}:${http.port}`;
      chromium = held.use(await startChromium(uplink.far));
      await logIn();
    });
    afterAll(() => held.disposeAsync());

    async function logIn(): Promise<void> {
      await eventually(() =>
        chromium.open(`${url}/healthz`).then(
          (page) => page.close().then(() => true),
          () => false,
        ),
      );
      const page = await chromium.open(`${url}/healthz`, { bypassPolicy: true });
      const body = JSON.stringify({ username: "spotlive", password });
      const options = `{ method: "POST", headers: { "content-type": "application/json" }, body: ${JSON.stringify(body)} }`;
      expect(await page.evaluate(`fetch("/api/session", ${options}).then(({ status }) => status)`)).toBe(200);
      await page.close();
    }

    /** Looks on without loss, then with it, and gives what was to be seen before and after the second. */
    async function watchLossy<Look>(
      transport: "webrtc" | "websocket",
      pictures: string,
      look: (view: PreviewPage) => Promise<Look>,
    ): Promise<readonly [before: Look, after: Look]> {
      await uplink.setLoss(0);
      const { page, ...view } = await watchPreview(chromium, url, "smooth", transport);
      const untilMore = (count: number): Promise<void> =>
        eventually(() => page.evaluate<boolean>(`${pictures}.length >= ${count}`));
      await untilMore(30);
      const before = await look({ page, ...view });
      await uplink.setLoss(lossPercent);
      await untilMore(30 + watched);
      const after = await look({ page, ...view });
      await page.close();
      return [before, after];
    }

    it("shows the pictures in order over WebRTC, and all of them", async () => {
      // Both at one moment: the answer to a question over this network may take a second more than the pictures.
      const seen = "viewer.stats().then((stats) => ({ ...stats, frames: viewer.frames }))";
      const [before, after] = await watchLossy("webrtc", "viewer.frames", async ({ page }) => ({
        ...(await page.evaluate<Seen>(seen)),
        repeated: await page.evaluate<number>(repeated),
      }));
      const shown = numbersOf(after.frames).slice(before.frames.length - after.frames.length);
      const { pictures, inOrder } = progressOf(shown);
      expect(inOrder).toBe(true);
      // A page that has no time shows fewer than it has decoded.
      const decoded = after.framesDecoded - before.framesDecoded;
      expect(Math.abs(pictures - decoded), `${pictures} pictures, ${decoded} decoded`).toBeLessThan(10);
      expect(after.framesDropped).toBe(before.framesDropped);
      expect(after.nackCount - before.nackCount).toBeGreaterThan(5);
      expect(after.repeated - before.repeated).toBeGreaterThan(5);
      expect(after.packetsLost).toBeLessThanOrEqual(2);
    });

    it("brings the pictures in order over the websocket, all of them or on from a keyframe", async () => {
      const [, received] = await watchLossy("websocket", "viewer.received", ({ page }) =>
        page.evaluate<Arrived[]>("viewer.received"),
      );
      const newest = received.slice(-watched);
      const breaks = newest.filter(({ rtp, key }, i) => {
        const before = newest[i - 1];
        return before !== undefined && !key && ((rtp - before.rtp) >>> 0) * cameraFps !== 90_000;
      });
      expect(breaks).toEqual([]);
    });
  },
);

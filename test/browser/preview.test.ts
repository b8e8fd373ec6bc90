import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isLive, spotConfig, startAppliance, startRobotProcess } from "../helpers/appliance.ts";
import type { RunningRobot } from "../helpers/appliance.ts";
import { decodeFrameNumbers } from "../helpers/bar-code.ts";
import { isWithoutChromium, startChromium } from "../helpers/chromium.ts";
import type { Chromium } from "../helpers/chromium.ts";
import { eventually } from "../helpers/eventually.ts";
import { freePort, startNginxRtmp } from "../helpers/nginx.ts";
import { startPreviewLine, watchPreview } from "../helpers/preview-line.ts";
import { numbersOf, progressOf } from "../helpers/preview-progress.ts";
import { frameNumberModulus } from "../../src/simulator/robot/picture-code.ts";
import { smallPicture } from "../helpers/line.ts";

describe.skipIf(isWithoutChromium)("the preview in Chromium", () => {
  let robot: RunningRobot;
  let chromium: Chromium;

  beforeAll(async () => {
    robot = await startRobotProcess(smallPicture);
    chromium = await startChromium();
  });
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await robot?.[Symbol.asyncDispose]();
  });

  it.each([
    ["live", "webrtc"],
    ["smooth", "webrtc"],
    ["live", "websocket"],
  ] as const)("shows the camera's pictures in order, %s over %s", async (latency, transport) => {
    await using line = await startPreviewLine(robot);
    const view = await watchPreview(chromium, line.url, latency, transport);
    await view.untilSeen(120);
    const frames = await view.frames();
    const { pictures, inOrder } = progressOf(numbersOf(frames));
    expect(inOrder).toBe(true);
    expect(pictures).toBeGreaterThan(100);
    expect(frames.at(-1)).toMatchObject({ width: 640, height: 360 });
    expect((await view.messages()).findLast(({ type }) => type === "source")).toMatchObject({
      state: "running",
    });
    await view.page.close();
    await eventually(() => line.preview.counters.viewers === 0);
  });

  it("shows the picture before the line is started, while it is live, and after it is stopped", async () => {
    await using nginx = await startNginxRtmp();
    const port = await freePort();
    await using appliance = await startAppliance({
      ...spotConfig(robot),
      autostart: "never",
      outputs: [{ name: "main", url: nginx.url, streamKey: "main" }],
      http: { port },
    });
    await eventually(
      async () => (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok === true,
    );
    const view = await watchPreview(chromium, `http://127.0.0.1:${port}`);
    await view.untilSeen(30);
    const idle = await appliance.status();
    expect(idle).toMatchObject({ phase: "idle", source: { state: "running" }, outputs: [{ state: "idle" }] });
    await appliance.command("start");
    await appliance.until("it is live", isLive);
    await view.untilSeen(60);
    expect((await appliance.status()).outputs.map(({ name }) => name)).toEqual(["main"]);
    await appliance.command("stop");
    await appliance.until(
      "it shows the picture alone",
      ({ phase, source }) => phase === "idle" && source.state === "running",
    );
    await view.untilSeen(60);
    await view.page.close();
    await appliance.until("it has let the camera go", ({ source }) => source.state === "idle");
  });

  it("gives each picture the camera's own RTP timestamp", async () => {
    await using line = await startPreviewLine(robot);
    const view = await watchPreview(chromium, line.url);
    await view.untilSeen(150);
    const newest = (await view.frames()).slice(-30);
    expect(newest.every(({ rtp }) => line.receivedMs.has(rtp ?? -1))).toBe(true);
    await view.page.close();
  });

  it("shows a late viewer the picture at once, and asks the camera for nothing", async () => {
    await using line = await startPreviewLine(robot);
    const early = await watchPreview(chromium, line.url, "live");
    await early.untilSeen(1);
    const before = line.preview.counters.keyframeRequests;
    const late = await watchPreview(chromium, line.url, "live");
    await late.untilSeen(10);
    expect(line.preview.counters.keyframeRequests).toBe(before);
    await Promise.all([early.page.close(), late.page.close()]);
  });

  it("serves four viewers, refuses a fifth, and goes on for three when one is killed", async () => {
    await using line = await startPreviewLine(robot);
    await using doomed = await startChromium();
    const first = await watchPreview(doomed, line.url);
    const others = await Promise.all(
      (["live", "smooth", "smooth"] as const).map((latency, i) =>
        watchPreview(chromium, line.url, latency, i === 2 ? "websocket" : "webrtc"),
      ),
    );
    await Promise.all([first, ...others].map((view) => view.untilSeen(30)));
    const fifth = await watchPreview(chromium, line.url);
    const closed = await fifth.page.evaluate<{ code: number }>(
      "new Promise(async (done) => { while (!viewer.closed) await new Promise((next) => setTimeout(next, 10)); done(viewer.closed); })",
    );
    expect(closed.code).toBe(4000);
    expect(await fifth.messages()).toMatchObject([{ type: "refused", code: "too-many-viewers" }]);

    await doomed[Symbol.asyncDispose]();
    await eventually(() => line.preview.counters.viewers === 3);
    const seen = await Promise.all(others.map((view) => view.frames()));
    await Promise.all(others.map((view) => view.untilSeen(60)));
    for (const [i, view] of others.entries()) {
      const numbers = numbersOf((await view.frames()).slice(seen[i]?.length));
      expect(progressOf(numbers).inOrder).toBe(true);
      await view.page.close();
    }
  });

  it("goes on when the camera begins a new stream with other numbers and times", async () => {
    await using line = await startPreviewLine(robot);
    const view = await watchPreview(chromium, line.url);
    await view.untilSeen(30);
    await robot.command({ command: "restart" });
    await view.untilSeen(90);
    expect(progressOf(numbersOf((await view.frames()).slice(-45))).inOrder).toBe(true);
    await view.page.close();
  });

  it("is there again at the same address after a restart", async () => {
    const before = await startPreviewLine(robot);
    const port = Number(new URL(before.url).port);
    const view = await watchPreview(chromium, before.url);
    await view.untilSeen(5);
    await before[Symbol.asyncDispose]();
    await eventually(async () => (await view.page.evaluate("viewer.closed?.code")) === 1001);
    await using _after = await startPreviewLine(robot, { port });
    const again = await watchPreview(chromium, before.url);
    await again.untilSeen(30);
    await Promise.all([view.page.close(), again.page.close()]);
  });

  it("makes a new connection when the page finds that the first one brings nothing", async () => {
    await using line = await startPreviewLine(robot);
    const view = await watchPreview(chromium, line.url);
    await view.untilSeen(5);
    await view.page.evaluate(
      `viewer.socket.send(JSON.stringify({ type: "failed", id: 1, reason: "no picture" })); 0`,
    );
    await eventually(async () => (await view.page.evaluate("viewer.offers")) === 2);
    await view.untilSeen(30);
    await view.page.close();
  });

  it("changes from smooth to live without another connection, and to frames over the websocket", async () => {
    await using line = await startPreviewLine(robot);
    const view = await watchPreview(chromium, line.url, "smooth");
    await view.untilSeen(30);
    await view.page.evaluate(`viewer.watch("live", "webrtc"); 0`);
    await view.untilSeen(60);
    expect(await view.page.evaluate("viewer.offers")).toBe(1);
    await view.page.evaluate(`viewer.watch("live", "websocket"); 0`);
    await eventually(async () => (await view.page.evaluate<number>("viewer.received.length")) > 20);
    expect(await view.page.evaluate("viewer.received[0].key")).toBe(true);
    await view.page.close();
  });
});

describe("frames over the websocket", () => {
  it("are a stream that ffmpeg decodes to the camera's pictures", async () => {
    await using robot = await startRobotProcess(smallPicture);
    await using line = await startPreviewLine(robot);
    const socket = new WebSocket(`${line.url.replace("http", "ws")}/api/preview`);
    socket.binaryType = "arraybuffer";
    const units: Buffer[] = [];
    const done = Promise.withResolvers<void>();
    socket.addEventListener("open", () =>
      socket.send(JSON.stringify({ type: "watch", latency: "live", transport: "websocket" })),
    );
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") return;
      units.push(Buffer.from(data as ArrayBuffer));
      if (units.length === 150) done.resolve();
    });
    await done.promise;
    socket.close();
    const heads = units.map((unit) => ({ version: unit[0], key: unit[1], us: unit.readDoubleBE(8) }));
    expect(heads[0]).toMatchObject({ version: 1, key: 1 });
    expect(heads.every(({ us }, i) => i === 0 || us > (heads[i - 1]?.us ?? 0))).toBe(true);
    const { numbers, complaints } = await decodeFrameNumbers(
      Buffer.concat(units.map((unit) => unit.subarray(16))),
    );
    expect(complaints).toEqual([]);
    expect(numbers.length).toBeGreaterThanOrEqual(149);
    expect(
      progressOf(numbers.map((number) => (number ?? null) && (number ?? 0) % frameNumberModulus)).inOrder,
    ).toBe(true);
  });
});

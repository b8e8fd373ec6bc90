import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Status } from "../../src/domain/status.ts";
import { openUplink, whyNoUplink } from "../../src/simulator/uplink.ts";
import { hasSent, isLive } from "../helpers/appliance.ts";
import { delayedLink } from "../helpers/delayed-link.ts";
import { judgeRecording, steps } from "../helpers/judge.ts";
import { startNginxRtmp } from "../helpers/nginx.ts";
import { asksClosedWindow } from "../helpers/processes.ts";
import { openUplinkLine, outputName } from "../helpers/uplink-line.ts";
import type { Sample, UplinkLine } from "../helpers/uplink-line.ts";
import { describeTargets, readFigures, runStep } from "../helpers/uplink-step.ts";

const { signal } = new AbortController();
const reason = await whyNoUplink(signal);
if (reason !== undefined) console.warn(`The line behind an uplink is not tested. ${reason}`);

const small = { width: 640, height: 360, bitrate: 2_000_000 };
const floor = 500_000;

const output = ({ outputs }: Status, name = outputName) => outputs.find((one) => one.name === name);
const target = ({ rate }: Status): number => rate?.target ?? 0;
const targets = (samples: readonly Sample[], fromMs: number): number[] =>
  samples
    .filter(({ atMs, status }) => atMs >= fromMs && status.rate !== undefined)
    .map(({ status }) => target(status));
const sent = (status: Status): number => output(status)?.counters?.units ?? 0;

/** Connects and prints what it took the way there and back, milliseconds. */
const connectScript = `const [host, port] = process.argv.slice(1);
import("${new URL("../../src/outputs/server-socket.ts", import.meta.url).href}").then(async ({ openSocket, parseRtmpUrl }) => {
  console.log("connecting");
  const url = parseRtmpUrl("rtmp://" + host + ":" + port + "/app");
  const { roundTripMs } = await openSocket(url, undefined, new AbortController().signal);
  console.log(roundTripMs);
  process.exit();
});`;

/** Waits until a second of new pictures has been taken by a connection that lives; gives how long that took. */
async function untilPicturesFlow({ appliance }: UplinkLine, limitMs: number): Promise<number> {
  const began = performance.now();
  const before = sent(await appliance.status());
  await appliance.until(
    "pictures flow again",
    (status) => isLive(status) && output(status)?.state === "running" && sent(status) > before,
    limitMs,
  );
  return performance.now() - began;
}

/** Pulls the cable, or makes the line a black hole, for so many seconds; gives how long it then took to be live again. */
async function cut(
  line: UplinkLine,
  seconds: number,
  how: "cable" | "black hole" = "cable",
): Promise<number> {
  const { uplink } = line;
  await (how === "cable" ? uplink.down() : uplink.setLoss(100));
  await sleep(seconds * 1000);
  await (how === "cable" ? uplink.up() : uplink.setLoss(0));
  const ms = await untilPicturesFlow(line, 30_000);
  console.log(
    `After ${seconds} s without uplink (${how}), pictures flowed again within ${Math.round(ms)} ms.`,
  );
  return ms;
}

async function isWellRecorded({ appliance, nginx }: UplinkLine): Promise<void> {
  await appliance.terminate();
  const verdict = await judgeRecording(await nginx.recording(outputName));
  expect(verdict.complaints).toEqual([]);
  expect(Math.min(...steps(verdict.video))).toBeGreaterThan(0);
  expect(Math.min(...steps(verdict.audio))).toBeGreaterThan(0);
}

// The longest first: three run at a time.
describe.skipIf(reason !== undefined)("the line behind an uplink", { concurrent: true }, () => {
  it("is live again soon after 100 s without uplink, however long the retries had become", async () => {
    await using line = await openUplinkLine({ robot: small, rate: 4_000_000 });
    await line.appliance.until("it is live", hasSent(150), 60_000);
    const fromMs = performance.now();
    expect(await cut(line, 100)).toBeLessThan(8000);
    expect(Math.min(...targets(line.samples, fromMs))).toBeGreaterThanOrEqual(small.bitrate / 2);
    await isWellRecorded(line);
  });

  it("follows 8, 1.5 and 8 Mbit/s in one session, without decoding a picture", async () => {
    const run = await runStep({ fastSeconds: 10, slowSeconds: 38, againSeconds: 35 });
    const figures = readFigures(run);
    console.log(`The step: ${JSON.stringify(figures)}\n${describeTargets(run.samples, run.slowMs)}`);
    expect(run.connections).toBe(1);
    expect(run.verdict.complaints).toEqual([]);
    expect(Math.min(...steps(run.verdict.video))).toBeGreaterThan(0);
    expect(Math.min(...steps(run.verdict.audio))).toBeGreaterThan(0);
    expect(run.samples.every(({ status }) => status.path === "copy")).toBe(true);
    expect(figures.reactionMs).toBeLessThan(2000);
    expect(figures.belowMs).toBeLessThan(8000);
    expect(figures.recoveryMs).toBeLessThan(33_000);
    expect(figures.delayMs.max).toBeLessThan(3000);
    // On a busy machine lost packets come in bursts, which look like a slower line for a moment.
    expect(figures.steadyShare.within10).toBeGreaterThan(0.75);
    expect(figures.steadyShare.p5).toBeGreaterThan(0.8);
    expect(figures.steadyShare.p95).toBeLessThan(1.15);
    expect(figures.droppedPictures).toBeLessThan(180);
  });

  it("never goes above a cap that was set while the uplink was slow", async () => {
    const camera = { ...small, bitrate: 4_000_000 };
    await using line = await openUplinkLine({ robot: camera, rate: 1_500_000 });
    const { appliance, uplink } = line;
    await appliance.until(
      "it has adapted",
      (status) => sent(status) > 60 && target(status) < 1_440_000,
      60_000,
    );
    await appliance.command({ kind: "set", change: { bitrateCap: 1_000_000 } });
    await appliance.until("the cap holds", (status) => target(status) <= 1_000_000);
    const fromMs = performance.now();
    await uplink.setRate(undefined);
    await sleep(30_000);
    expect(Math.max(...targets(line.samples, fromMs))).toBeLessThanOrEqual(1_000_000);
    expect(target(await appliance.status())).toBe(1_000_000);
    await appliance.command({ kind: "set", change: { bitrateCap: null } });
    await appliance.until("it is gone", (status) => target(status) === camera.bitrate, 60_000);
    expect(await line.connections()).toBe(1);
  });

  it("is live again soon after 30 s of a black hole", async () => {
    await using line = await openUplinkLine({ robot: small, rate: 4_000_000 });
    await line.appliance.until("it is live", hasSent(150), 60_000);
    const fromMs = performance.now();
    // nginx holds the old connection for 90 s, and refuses another publisher for as long, unless it is reset there.
    expect(await cut(line, 30, "black hole")).toBeLessThan(8000);
    await sleep(5000);
    expect(Math.min(...targets(line.samples, fromMs))).toBeGreaterThanOrEqual(small.bitrate / 2);
    await isWellRecorded(line);
  });

  it("keeps its session over 1 s and 5 s without uplink", async () => {
    await using line = await openUplinkLine({ robot: small, rate: 4_000_000 });
    await line.appliance.until("it is live", hasSent(150), 60_000);
    const fromMs = performance.now();
    await cut(line, 1);
    await sleep(5000);
    await cut(line, 5);
    await line.appliance.until("it is asked for all again", (status) => target(status) === small.bitrate);
    console.log(`The cuts: ${describeTargets(line.samples, fromMs)}`);
    expect(Math.min(...targets(line.samples, fromMs))).toBeGreaterThanOrEqual(small.bitrate / 2);
    expect(await line.connections()).toBe(1);
    await isWellRecorded(line);
  });

  it("stays live in one session with 150 ms there and back and 2 % of all packets lost, and keeps the floor", async () => {
    const camera = { ...small, bitrate: 4_000_000 };
    await using line = await openUplinkLine({ robot: camera, rate: 4_000_000, link: delayedLink(75) });
    await line.uplink.setLoss(2);
    await line.appliance.until("it is live", hasSent(60), 60_000);
    const fromMs = performance.now();
    await sleep(40_000);
    await untilPicturesFlow(line, 10_000);
    const asked = targets(line.samples, fromMs);
    console.log(`2 % loss: ${Math.min(...asked)} to ${Math.max(...asked)}, at the end ${asked.at(-1)} bit/s`);
    expect(Math.min(...asked)).toBeGreaterThanOrEqual(floor);
    expect(await line.connections()).toBe(1);
    const states = line.samples
      .filter(({ atMs }) => atMs >= fromMs)
      .map(({ status }) => output(status)?.state);
    expect(new Set(states)).toEqual(new Set(["running"]));
    await isWellRecorded(line);
  });

  it("sends what its slowest destination bears, until that one hangs", async () => {
    const camera = { ...small, bitrate: 4_000_000 };
    await using line = await openUplinkLine({ robot: camera, near: "nginx" });
    const { appliance, uplink } = line;
    await appliance.until("both are live", hasSent(90), 60_000);
    await uplink.setRate(1_500_000);
    const slow = await appliance.until("it follows the slow one", (status) => target(status) < 1_440_000);
    expect(slow.rate?.reason).toContain(outputName);
    await appliance.until(
      "the slow one's queue is gone",
      (status) => (output(status)?.uplink?.delayMs ?? 0) < 300,
    );
    await uplink.down();
    await appliance.until("the slow one has no vote", (status) => target(status) === camera.bitrate, 10_000);
    await uplink.up();
    await appliance.until("it has a vote again", (status) => target(status) < 1_600_000);
    const near = output(await appliance.status(), "near");
    expect(near?.queue?.droppedUnits).toBe(0);
    expect(near?.uplink?.delayMs).toBeLessThan(300);
  });

  it.each([500, 3500])(
    "connects soon when the uplink comes back after %i ms, and is not misled about the round trip",
    async (ms) => {
      await using uplink = await openUplink({}, signal);
      await using nginx = await startNginxRtmp({ enter: uplink.far, listen: uplink.farAddress });
      // As kernels before 6.5, which have no such setting: TCP asks after 1, 3 and 7 s.
      await uplink.setSysctl("net.ipv4.tcp_syn_linear_timeouts", 0).catch(() => {});
      await uplink.setLoss(100);
      const [program, ...argv] = uplink.near([
        process.execPath,
        "-e",
        connectScript,
        uplink.farAddress,
        `${nginx.port}`,
      ]);
      const child = spawn(program, argv, { stdio: ["ignore", "pipe", "inherit"] });
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      expect((await lines.next()).value).toBe("connecting");
      await sleep(ms);
      await uplink.setLoss(0);
      const began = performance.now();
      expect(Number((await lines.next()).value)).toBeLessThan(400);
      expect(performance.now() - began).toBeLessThan(2500);
    },
  );

  it("does not feel a destination that hangs with its window closed, and takes it back when it goes on", async () => {
    await using line = await openUplinkLine({ robot: small, near: "nginx" });
    const { appliance, near } = line;
    await appliance.until("both are live", hasSent(60), 60_000);
    {
      using _hang = near?.hang();
      while (!asksClosedWindow(appliance.pid, near?.port)) await sleep(50);
      await appliance.until(
        "the hung one is noticed",
        (status) => output(status, "near")?.fault?.code === "output-stalled",
        60_000,
      );
    }
    const before = output(await appliance.status(), "near")?.counters?.units ?? 0;
    const back = await appliance.until(
      "it is taken back",
      (status) => (output(status, "near")?.counters?.units ?? 0) > before + 60,
      60_000,
    );
    expect(output(back, "near")).toMatchObject({ state: "running" });
    const all = line.samples.filter(({ status }) => sent(status) > 0).map(({ status }) => status);
    expect(all.every(isLive)).toBe(true);
    expect(Math.min(...targets(line.samples, 0))).toBe(small.bitrate);
    expect(Math.max(...all.map((status) => output(status)?.uplink?.delayMs ?? 0))).toBeLessThan(500);
    expect(output(await appliance.status())?.queue?.droppedUnits).toBe(0);
    expect(await line.connections()).toBe(1);
    await isWellRecorded(line);
  });
});

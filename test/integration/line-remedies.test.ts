import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Status } from "../../src/domain/status.ts";
import { eventually } from "../helpers/eventually.ts";
import { hasSent, spotConfig, startAppliance, startRobotProcess } from "../helpers/appliance.ts";
import type { RunningRobot } from "../helpers/appliance.ts";
import { isHolding, longestStill, reboot, startLine, timesOf, untilFlowing } from "../helpers/line.ts";
import { descendantsOf, nameOf } from "../helpers/processes.ts";

/** Encoders of several tests run at the same time. */
const tinyPicture = { width: 320, height: 180, bitrate: 500_000 };
const twitch = { output: { rules: "twitch" } };
const told = ({ notices }: Status): string => notices.join("\n");
const hasTold = (words: string) => (status: Status) => told(status).includes(words);
const isTranscoding = ({ path }: Status): boolean => path === "transcode";

interface CameraSettings {
  readonly bitrate: number;
  readonly idrInterval: number;
  readonly refreshInterval: number;
  readonly congestionControl: boolean;
}

async function settingsOf(robot: RunningRobot): Promise<CameraSettings> {
  const { ok: _, ...settings } = await robot.command({ command: "settings" });
  return settings as unknown as CameraSettings;
}

/** Settings of a camera that are not those that spotlive asks for. */
const ownSettings = { bitrate: 1_500_000, idrInterval: 90, refreshInterval: 45 };

/** Waits until the robot has what spotlive wants of it. */
async function untilSet(robot: RunningRobot): Promise<void> {
  await eventually(async () => {
    const { bitrate, idrInterval, congestionControl } = await settingsOf(robot);
    return bitrate === 1_000_000 && idrInterval === 60 && !congestionControl;
  });
}

describe.concurrent("a camera that gives no IDR pictures", () => {
  it("is passed on again when it gives them after all", async () => {
    await using line = await startLine({ ...twitch, robot: { ...tinyPicture, idr: "refresh-only" } });
    const { nginx, robot, appliance } = line;
    await appliance.until("the picture is transcoded", isTranscoding, 60_000);
    await robot.command({ command: "idr", mode: "periodic" });
    await appliance.until("the camera's picture is passed on", ({ path }) => path === "copy", 40_000);
    await untilFlowing(line, 150);
    const verdict = await line.judge();
    const times = timesOf(verdict);
    expect(verdict.complaints).toEqual([]);
    expect(times.leastVideoMs).toBeGreaterThan(0);
    expect(times.mostVideoMs).toBeLessThan(600);
    expect(verdict.numbers).not.toContain(undefined);
    expect(nginx.publishes).toHaveLength(1);
  });

  it("is asked, then asked again and again, and at last transcoded, all in one broadcast", async () => {
    await using line = await startLine({ ...twitch, robot: { ...tinyPicture, idr: "refresh-only" } });
    const { nginx, robot, appliance } = line;
    await appliance.until("it is live", hasSent(30));
    const began = performance.now();
    const judged = await appliance.until("the verdict is told", ({ verdict }) => verdict !== undefined);
    expect(judged.verdict).toMatchObject({ kind: "ask-camera", destination: "Twitch" });
    await appliance.until("it insists", hasTold("asked for one again and again"));
    const before = (await robot.command({ command: "counters" }))["counters"] as { plis: number };
    const status = await appliance.until("the picture is transcoded", isTranscoding);
    expect(performance.now() - began).toBeLessThan(20_000);
    const after = (await robot.command({ command: "counters" }))["counters"] as { plis: number };
    expect(after.plis).toBeGreaterThan(before.plis);
    expect(told(status)).toContain("Nothing that the camera was asked for has helped");
    const sent = status.outputs[0]?.counters?.units ?? 0;
    await appliance.until("it goes on", hasSent(sent + 240));
    const log = appliance.output();
    for (const words of ["asked for one again and again", "the picture is encoded anew", "encoded anew with"])
      expect(log).toContain(words);
    const verdict = await line.judge();
    const times = timesOf(verdict);
    expect(verdict.complaints).toEqual([]);
    expect(times.leastVideoMs).toBeGreaterThan(0);
    expect(times.mostVideoMs).toBeLessThan(300);
    expect(times.mostAudioMs).toBeLessThan(60);
    const spacing = verdict.idrSteps.slice(1); // the first is the wait for the encoder: nothing but one IDR came before
    expect(spacing.length).toBeGreaterThanOrEqual(3);
    for (const milliseconds of spacing) expect(Math.abs(milliseconds - 2000)).toBeLessThan(100);
    expect(verdict.numbers).not.toContain(undefined);
    expect(nginx.publishes).toHaveLength(1);
  });

  it("is transcoded for a viewer who came too late for the only IDR as well", async () => {
    await using robot = await startRobotProcess({ ...tinyPicture, idr: "refresh-only" });
    await using first = await startAppliance({ ...spotConfig(robot), outputs: [] });
    await first.until("the first viewer has the IDR", ({ source }) => (source.counters?.keyframes ?? 0) > 0);
    await using line = await startLine({ robotProcess: robot });
    const { nginx, appliance } = line;
    const waiting = await appliance.until("it says why", ({ reason }) => reason.includes("keyframe"));
    expect(waiting.phase).toBe("starting");
    expect(nginx.publishes).toEqual([]);
    await appliance.until("the picture is transcoded", isTranscoding, 40_000);
    const live = await appliance.until("it is live", hasSent(150));
    expect(live.phase).toBe("live");
    expect(live.source.counters?.keyframes).toBe(0);
    const verdict = await line.judge();
    expect(verdict.complaints).toEqual([]);
    expect(verdict.numbers).not.toContain(undefined);
    expect(nginx.publishes).toHaveLength(1);
  });

  it("is cured by asking every so often where it gives one only then", async () => {
    await using line = await startLine({ ...twitch, robot: { ...tinyPicture, idr: "on-pli" } });
    const { nginx, appliance } = line;
    await appliance.until("it insists", hasTold("asked for one again and again"));
    const cured = await appliance.until("it is cured", hasTold("fits now"));
    expect(cured.path).toBe("copy");
    expect(cured.verdict?.kind).toBe("copy");
    const sent = cured.outputs[0]?.counters?.units ?? 0;
    const later = await appliance.until("it stays cured", hasSent(sent + 300));
    expect(later).toMatchObject({ path: "copy", phase: "live", verdict: { kind: "copy" } });
    const verdict = await line.judge();
    expect(verdict.complaints).toEqual([]);
    for (const milliseconds of verdict.idrSteps.slice(-4)) expect(milliseconds).toBeLessThan(2500);
    expect(nginx.publishes).toHaveLength(1);
  });

  it("is cured by asking for a shorter interval where that was too long", async () => {
    await using line = await startLine({ ...twitch, robot: { idrInterval: 300 } });
    const { robot, appliance } = line;
    const asked = await appliance.until("it is told", hasTold("asked for an IDR picture every 60 frames"));
    expect(asked.path).toBe("copy");
    expect((await settingsOf(robot)).idrInterval).toBe(60);
    const cured = await appliance.until("it fits", ({ verdict }) => verdict?.kind === "copy");
    expect(cured.path).toBe("copy");
    const sent = cured.outputs[0]?.counters?.units ?? 0;
    await appliance.until("it goes on", hasSent(sent + 150));
    const verdict = await line.judge();
    expect(verdict.complaints).toEqual([]);
    for (const milliseconds of verdict.idrSteps.slice(-3))
      expect(Math.abs(milliseconds - 2000)).toBeLessThan(100);
  });
});

describe.concurrent("the encoder", () => {
  it.for([
    { what: "dies", signal: "SIGKILL", mostStillMs: 1500 },
    { what: "hangs", signal: "SIGSTOP", mostStillMs: 8000 },
  ] as const)("that $what is replaced in the same broadcast", async ({ signal, mostStillMs }) => {
    await using line = await startLine({ ...twitch, robot: { ...tinyPicture, idr: "refresh-only" } });
    const { nginx, appliance } = line;
    const before = await appliance.until("the picture is transcoded", isTranscoding, 60_000);
    await appliance.until("it goes on", hasSent((before.outputs[0]?.counters?.units ?? 0) + 90));
    const [pid] = descendantsOf(appliance.pid).filter((one) => nameOf(one) === "ffmpeg");
    if (pid === undefined) throw new Error("no ffmpeg");
    process.kill(pid, signal);
    if (signal === "SIGSTOP") {
      const held = await appliance.until("the picture is held", isHolding);
      expect(held.reason).toContain("The encoder gives no picture");
    }
    const after = await appliance.until("it is told", hasTold("It is started again"));
    const sent = after.outputs[0]?.counters?.units ?? 0;
    const later = await appliance.until("it goes on", hasSent(sent + 240));
    expect(later).toMatchObject({ path: "transcode", phase: "live" });
    const verdict = await line.judge();
    const times = timesOf(verdict);
    expect(verdict.complaints).toEqual([]);
    expect(times.leastVideoMs).toBeGreaterThan(0);
    expect(times.mostVideoMs).toBeLessThan(1000);
    expect((longestStill(verdict) * 1000) / 30).toBeLessThan(mostStillMs);
    expect(times.mostAudioMs).toBeLessThan(60);
    expect(nginx.publishes).toHaveLength(1);
  });

  it("goes on when the robot was away meanwhile", async () => {
    await using line = await startLine({ ...twitch, robot: { ...tinyPicture, idr: "refresh-only" } });
    const { nginx, appliance } = line;
    await appliance.until("the picture is transcoded", isTranscoding, 60_000);
    await reboot(line, 12);
    const after = await untilFlowing(line, 150);
    expect(after.path).toBe("transcode");
    expect(after.outputs[0]?.queue?.droppedUnits).toBe(0);
    const verdict = await line.judge();
    const times = timesOf(verdict);
    expect(verdict.complaints).toEqual([]);
    expect(times.leastVideoMs).toBeGreaterThan(0);
    expect(times.mostVideoMs).toBeLessThan(100);
    expect(times.mostAudioMs).toBeLessThan(60);
    expect(Math.max(...verdict.idrSteps.slice(1))).toBeLessThan(4100);
    expect(nginx.publishes).toHaveLength(1);
  });

  it("begins with a whole picture although the camera is in the middle of a group of pictures", async () => {
    await using line = await startLine({
      ...twitch,
      robot: { ...tinyPicture, payloadPolls: 0, payloadMayControl: "false", idrInterval: 90 },
      spot: {
        username: null,
        password: null,
        payload: { guid: "b6a4a1f0-5f0e-4a7e-9a59-000000000003", secret: "a-secret-of-a-payload" },
      },
    });
    const { appliance } = line;
    const status = await appliance.until("the picture is transcoded", isTranscoding, 60_000);
    expect(told(status)).toContain("goes on with the camera's own settings");
    expect(status.verdict).toMatchObject({ kind: "transcode" });
    await appliance.until("it goes on", hasSent((status.outputs[0]?.counters?.units ?? 0) + 150));
    const verdict = await line.judge();
    const times = timesOf(verdict);
    expect(verdict.complaints).toEqual([]);
    expect(verdict.numbers).not.toContain(undefined);
    expect(times.mostVideoMs).toBeLessThan(400);
  });
});

describe.concurrent("the camera's own settings", () => {
  it("are only watched where they may not be changed, which is said", async () => {
    await using line = await startLine({
      robot: { ...tinyPicture, payloadPolls: 0, payloadMayControl: "false", ...ownSettings },
      spot: {
        bitrate: 1_000_000,
        username: null,
        password: null,
        payload: { guid: "b6a4a1f0-5f0e-4a7e-9a59-000000000002", secret: "a-secret-of-a-payload" },
      },
    });
    const { robot, appliance } = line;
    const live = await appliance.until(
      "it is live and says so",
      (status) => hasSent(150)(status) && hasTold("goes on with the camera's own settings")(status),
    );
    expect(live).toMatchObject({ phase: "live", path: "copy" });
    expect(live.rate).toBeUndefined();
    await appliance.until("it is judged", ({ verdict }) => verdict?.kind === "copy");
    expect(await settingsOf(robot)).toMatchObject(ownSettings);
  });

  it.for([
    { by: "stop", congestionControl: true },
    { by: "SIGTERM", congestionControl: false },
  ])("are put back after $by, and congestion control as configured", async ({ by, congestionControl }) => {
    await using line = await startLine({
      robot: { ...tinyPicture, ...ownSettings },
      spot: { bitrate: 1_000_000, congestionControl },
    });
    const { robot, appliance } = line;
    await appliance.until("it is live", hasSent(60));
    await untilSet(robot);
    if (by === "stop") {
      await appliance.command("stop");
      await appliance.until("it is idle", ({ phase }) => phase === "idle");
    } else await appliance.terminate();
    expect(await settingsOf(robot)).toEqual({ ...ownSettings, congestionControl });
  });

  it("are taken over late, and put back, where the camera boots longer than the robot", async () => {
    await using line = await startLine({
      robot: { ...tinyPicture, ...ownSettings, servicesAfterMs: 8000 },
      spot: { bitrate: 1_000_000 },
    });
    const { robot, appliance } = line;
    await appliance.until("it is live", hasSent(60));
    await untilSet(robot);
    await appliance.command("stop");
    await appliance.until("it is idle", ({ phase }) => phase === "idle");
    expect(await settingsOf(robot)).toEqual({ ...ownSettings, congestionControl: true });
  });

  it("are asked for again after the robot was away, as it may have forgotten them", async () => {
    await using line = await startLine({
      robot: { ...tinyPicture, ...ownSettings },
      spot: { bitrate: 1_000_000 },
    });
    const { robot, appliance } = line;
    await appliance.until("it is live", hasSent(60));
    await untilSet(robot);
    await robot.command({ command: "vanish" });
    await appliance.until("the robot is missed", ({ source }) => source.state === "waiting");
    await robot.command({ command: "bitrate", value: 3_000_000 });
    await robot.command({ command: "appear" });
    await untilSet(robot);
    await appliance.terminate();
    expect(await settingsOf(robot)).toEqual({ ...ownSettings, congestionControl: true });
  });

  it("are put back after a power cut too, as they were before it", async () => {
    await using robot = await startRobotProcess({ ...tinyPicture, ...ownSettings });
    const stateDirectory = await mkdtemp(join(tmpdir(), "spotlive-test-state-"));
    await using _state = { [Symbol.asyncDispose]: () => rm(stateDirectory, { recursive: true }) };
    const options = { robotProcess: robot, config: { stateDirectory }, spot: { bitrate: 1_000_000 } };
    {
      await using line = await startLine(options);
      await line.appliance.until("it is live", hasSent(60));
      await untilSet(robot);
    } // SIGKILL: the power is gone
    expect(await settingsOf(robot)).toMatchObject({ bitrate: 1_000_000, idrInterval: 60 });
    await using line = await startLine(options);
    await line.appliance.until("it is live", hasSent(60));
    await line.appliance.command("stop");
    await line.appliance.until("it is idle", ({ phase }) => phase === "idle");
    expect(await settingsOf(robot)).toMatchObject(ownSettings);
  });

  it("are changed for a destination that takes less, and the bitstream follows", async () => {
    await using line = await startLine({
      ...twitch,
      robot: { width: 1280, height: 720, bitrate: 8_000_000 },
    });
    const { nginx, robot, appliance } = line;
    await eventually(async () => (await settingsOf(robot)).bitrate === 5_400_000);
    const status = await appliance.until(
      "the bitstream follows",
      ({ source, verdict }) => verdict?.kind === "copy" && source.bitsPerSecond < 5_800_000,
      40_000,
    );
    expect(status).toMatchObject({ path: "copy", phase: "live" });
    const verdict = await line.judge();
    expect(verdict.complaints).toEqual([]);
    expect(nginx.publishes).toHaveLength(1);
  });
});

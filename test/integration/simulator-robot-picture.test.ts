import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { RtcpSrPacket } from "werift";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { streamQualityService } from "../../src/lib/spot-protocol.ts";
import { startRobot } from "../../src/simulator/robot.ts";
import type { Robot, RobotOptions } from "../../src/simulator/robot.ts";
import { countJumps, decodeFrameNumbers } from "../helpers/bar-code.ts";
import { annexB, depacketize, fromFirstIdr, hasIdr } from "../helpers/plain-depacketizer.ts";
import type { PlainPicture } from "../helpers/plain-depacketizer.ts";
import { callRobot, logIn, viewRobot } from "../helpers/robot-client.ts";
import type { RobotViewer } from "../helpers/robot-client.ts";

const small = { width: 640, height: 360, fps: 30, bitrate: 1_000_000, idrInterval: 30 };
const video = 96;
const opus = 111;

let cacheDirectory: string;
beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "robot-test-"));
});
afterAll(() => rm(cacheDirectory, { recursive: true }));

interface Scene extends AsyncDisposable {
  readonly robot: Robot;
  readonly viewer: RobotViewer;
  readonly token: string;
  /** Waits until this many more pictures have come. */
  watch(pictures: number): Promise<void>;
  pictures(): readonly PlainPicture[];
}

async function watchRobot(options: Partial<RobotOptions> = {}): Promise<Scene> {
  const robot = await startRobot({ ...small, cacheDirectory, ...options }, new AbortController().signal);
  const token = await logIn(robot.address);
  const viewer = await viewRobot(robot.address, token);
  return {
    robot,
    token,
    viewer,
    async watch(pictures) {
      const goal = countPictures(viewer) + pictures;
      await viewer.until(() => countPictures(viewer) >= goal, `${pictures} pictures`);
    },
    pictures: () => depacketize(viewer.packets),
    async [Symbol.asyncDispose]() {
      await viewer[Symbol.asyncDispose]();
      await robot[Symbol.asyncDispose]();
    },
  };
}

function countPictures({ packets }: RobotViewer): number {
  return packets.filter(({ header }) => header.payloadType === video && header.marker).length;
}

/** Decodes everything from the first IDR on, and holds the decoder and the numbers to perfection. */
async function expectPerfect({ robot }: Scene, pictures: readonly PlainPicture[]): Promise<void> {
  const decodable = fromFirstIdr(pictures);
  const { numbers, complaints } = await decodeFrameNumbers(annexB(decodable));
  expect(complaints).toEqual([]);
  expect(numbers).toHaveLength(decodable.length);
  expect(countJumps(numbers, robot.frameNumberModulus)).toBe(0);
}

/** Pictures between one IDR and the next. */
function idrDistances(pictures: readonly PlainPicture[]): readonly number[] {
  const at = pictures.flatMap((picture, index) => (hasIdr(picture) ? [index] : []));
  return at.slice(1).map((index, before) => index - (at[before] ?? 0));
}

/** From each number to the next one, where they count modulo `modulus`. */
function stepsOf(numbers: readonly number[], modulus: number): readonly number[] {
  return numbers.slice(1).map((number, index) => (number - (numbers[index] ?? 0) + modulus) % modulus);
}

function typesOf({ nalus }: PlainPicture): readonly number[] {
  return nalus.map((nalu) => (nalu[0] ?? 0) & 31);
}

function bitsPerSecond(pictures: readonly PlainPicture[]): number {
  const bytes = pictures.flatMap(({ nalus }) => nalus).reduce((sum, nalu) => sum + nalu.length, 0);
  return (bytes * 8) / (pictures.length / small.fps);
}

describe("the robot's picture", () => {
  it("decodes without a complaint at 1080p30 and 8 Mbit/s, over the end of its loop and over both wraps", async () => {
    const full = { width: 1920, height: 1080, bitrate: 8_000_000, idrInterval: 60 };
    await using scene = await watchRobot({
      ...full,
      startSequence: 65_500,
      startTimestamp: 2 ** 32 - 90_000,
    });
    await scene.watch(scene.robot.frameNumberModulus + 30);
    const pictures = scene.pictures();
    await expectPerfect(scene, pictures);
    expect(new Set(idrDistances(pictures))).toEqual(new Set([60]));
    expect(bitsPerSecond(pictures.slice(0, 300))).toBeGreaterThan(7_000_000);
    expect(bitsPerSecond(pictures.slice(0, 300))).toBeLessThan(9_000_000);
    const steps = pictures
      .slice(1)
      .map(({ timestamp }, index) => timestamp - (pictures[index]?.timestamp ?? 0));
    expect(new Set(steps)).toEqual(new Set([3000, 3000 - 2 ** 32]));
    const sequences = scene.viewer.packets.map(({ header }) => header.sequenceNumber);
    expect([Math.min(...sequences), Math.max(...sequences)]).toEqual([0, 65_535]);
    expect(scene.viewer.packets.every(({ payload }) => payload.length <= 1188)).toBe(true);
  });

  it("comes spread over the frame interval when asked to", async () => {
    await using scene = await watchRobot({ arrival: "spread", bitrate: 3_000_000 });
    await scene.watch(60);
    await expectPerfect(scene, scene.pictures());
  });

  it.each([
    ["constrained-baseline", 66],
    ["main", 77],
    ["high", 100],
  ] as const)("has profile %s in its parameter sets when asked to", async (profile, idc) => {
    await using scene = await watchRobot({ profile });
    await scene.watch(45);
    const sps = fromFirstIdr(scene.pictures())[0]?.nalus.find((nalu) => ((nalu[0] ?? 0) & 31) === 7);
    expect(sps?.[1]).toBe(idc);
    await expectPerfect(scene, scene.pictures());
  });

  it("comes with opus packets every 20 ms, none lost, and with sender reports", async () => {
    const standstill = monitorEventLoopDelay();
    standstill.enable();
    await using scene = await watchRobot();
    await scene.viewer.until(
      () => scene.viewer.rtcp.filter((one) => one instanceof RtcpSrPacket).length >= 6,
      "reports",
    );
    const sound = scene.viewer.packets.filter(({ header }) => header.payloadType === opus);
    const numbers = sound.map(({ header }) => header.sequenceNumber);
    expect(new Set(stepsOf(numbers, 2 ** 16))).toEqual(new Set([1]));
    standstill.disable();
    const steps = stepsOf(
      sound.map(({ header }) => header.timestamp),
      2 ** 32,
    );
    const stops = steps.filter((step) => step > 48_000);
    expect(new Set(steps.filter((step) => !stops.includes(step)))).toEqual(new Set([960]));
    // Without CPU time for over a second, as on a busy machine, the robot leaves out the beats that it missed.
    expect(stops.every((step) => step % 960 === 0)).toBe(true);
    expect(stops.length === 0 || standstill.max > 1e9).toBe(true);
    const ssrc = scene.pictures()[0]?.ssrc;
    const reports = scene.viewer.rtcp
      .filter((one) => one instanceof RtcpSrPacket)
      .filter((one) => one.ssrc === ssrc);
    const [first, last] = [reports[0]?.senderInfo, reports.at(-1)?.senderInfo];
    // Not by werift's ntpTime2Sec, which takes the binary fraction for decimal digits.
    const seconds = Number((last?.ntpTimestamp ?? 0n) - (first?.ntpTimestamp ?? 0n)) / 2 ** 32;
    const ticks = ((last?.rtpTimestamp ?? 0) - (first?.rtpTimestamp ?? 0) + 2 ** 32) % 2 ** 32;
    expect(ticks / 90_000).toBeCloseTo(seconds, 4);
  });
});

it("sends no sound to a viewer who wants none", async () => {
  await using scene = await watchRobot();
  await using deaf = await viewRobot(scene.robot.address, scene.token, "inactive");
  await deaf.until(() => countPictures(deaf) >= 30, "pictures");
  expect(deaf.packets.filter(({ header }) => header.payloadType === opus)).toEqual([]);
});

describe("IDR pictures", { concurrent: true }, () => {
  it.each([
    ["always", "but parameter sets at each recovery point"],
    ["once", "nor parameter sets where those come only once"],
  ] as const)("never come to a late viewer in mode refresh-only, %s: %s", async (parameterSets, _rest) => {
    await using scene = await watchRobot({ idr: "refresh-only", parameterSets });
    await scene.watch(30);
    await using late = await viewRobot(scene.robot.address, scene.token);
    await late.until(() => countPictures(late) >= 90, "pictures");
    late.askForKeyframe();
    await scene.watch(30);
    const [seen, seenLate] = [scene.pictures(), depacketize(late.packets)];
    expect(seen.filter(hasIdr)).toHaveLength(1);
    expect(seenLate.filter(hasIdr)).toHaveLength(0);
    const sets = seenLate.flatMap(typesOf).filter((type) => type === 7 || type === 8);
    expect(sets.length > 0).toBe(parameterSets === "always");
    await expectPerfect(scene, seen);
  });

  it("come when a PLI asks for one in mode on-pli, and only then", async () => {
    await using scene = await watchRobot({ idr: "on-pli" });
    await scene.watch(45);
    expect(scene.pictures().some(hasIdr)).toBe(false);
    const before = scene.pictures().length;
    scene.viewer.askForKeyframe();
    await scene.viewer.until(() => scene.pictures().some(hasIdr), "the IDR");
    expect(scene.pictures().findIndex(hasIdr) - before).toBeLessThan(small.fps);
    await scene.watch(30);
    expect(scene.robot.counters.plis).toBe(1);
    await expectPerfect(scene, scene.pictures());
  });

  it("come every so many frames and when a PLI asks for one in mode periodic-or-pli", async () => {
    await using scene = await watchRobot({ idr: "periodic-or-pli", idrInterval: 20 });
    const idrs = (): number[] => scene.pictures().flatMap((picture, i) => (hasIdr(picture) ? [i] : []));
    await scene.viewer.until(() => idrs().length > 0, "the first IDR");
    await scene.watch(5);
    scene.viewer.askForKeyframe();
    await scene.viewer.until(() => idrs().length > 2, "the one that was asked for and the next");
    const [first = 0, asked = 0, next] = idrs();
    expect(asked - first).toBeLessThan(20);
    expect(next).toBe(asked + 20);
    await expectPerfect(scene, scene.pictures());
  });

  it("have their parameter sets before each of them, or only once", async () => {
    for (const parameterSets of ["always", "once"] as const) {
      await using scene = await watchRobot({ parameterSets });
      await scene.watch(100);
      const idrs = scene.pictures().filter(hasIdr);
      const withSets = idrs.filter((picture) => typesOf(picture).includes(7) && typesOf(picture).includes(8));
      expect(idrs.length).toBeGreaterThanOrEqual(3);
      expect(withSets).toHaveLength(parameterSets === "always" ? idrs.length : 1);
    }
  });
});

describe("a change while the camera runs", { concurrent: true }, () => {
  it("of bit rate and IDR interval by its own service is in the picture within a second", async () => {
    await using scene = await watchRobot();
    await scene.watch(45);
    const before = scene.pictures().length;
    const params = { targetbitrate: { value: 3_000_000 }, idrinterval: { value: 15 } };
    const authority = "spot-cam-stream-quality.spot.robot";
    await callRobot(
      scene.robot.address,
      authority,
      streamQualityService.SetStreamParams,
      { params },
      scene.token,
    );
    await scene.watch(150);
    const pictures = scene.pictures();
    const afterwards = pictures.slice(before + small.fps);
    expect(new Set(idrDistances(afterwards))).toEqual(new Set([15]));
    expect(bitsPerSecond(pictures.slice(0, before))).toBeLessThan(1_600_000);
    expect(bitsPerSecond(afterwards)).toBeGreaterThan(2_500_000);
    expect(bitsPerSecond(afterwards)).toBeLessThan(3_500_000);
    await expectPerfect(scene, pictures);
  });

  it("of the size brings new parameter sets with an IDR, and the numbers go on", async () => {
    await using scene = await watchRobot();
    await scene.watch(45);
    scene.robot.change({ width: 480, height: 270 });
    await scene.watch(75);
    const sps = scene
      .pictures()
      .flatMap(({ nalus }) => nalus.filter((nalu) => ((nalu[0] ?? 0) & 31) === 7))
      .map((nalu) => Buffer.from(nalu).toString("hex"));
    expect(new Set(sps).size).toBe(2);
    await expectPerfect(scene, scene.pictures());
  });

  it("of the screen and back again leaves no gap", async () => {
    await using scene = await watchRobot();
    await scene.watch(40);
    scene.robot.setScreen("digi_full");
    await scene.watch(40);
    scene.robot.setScreen("mech_full");
    await scene.watch(40);
    await expectPerfect(scene, scene.pictures());
  });
});

describe("a restart", { concurrent: true }, () => {
  it.each([undefined, { width: 480, height: 270 }])("to %o begins a new stream with an IDR", async (size) => {
    await using scene = await watchRobot();
    await scene.watch(45);
    scene.robot.restart(size);
    const streams = (): readonly number[] => [...new Set(scene.pictures().map(({ ssrc }) => ssrc))];
    await scene.viewer.until(() => streams().length === 2, "the new SSRC");
    await scene.watch(45);
    const again = scene.pictures().filter(({ ssrc }) => ssrc === streams()[1]);
    expect(again[0] !== undefined && hasIdr(again[0])).toBe(true);
    await expectPerfect(scene, again);
  });
});

describe("trouble", () => {
  it("of lost and reordered packets is made good by retransmission", async () => {
    await using scene = await watchRobot({ bitrate: 3_000_000, lossPercent: 2, reorderPercent: 2 });
    await scene.watch(150);
    scene.robot.setNetwork({ lossPercent: 0, reorderPercent: 0 });
    await scene.watch(30);
    const { lostPackets, nackedPackets } = scene.robot.counters;
    expect(lostPackets).toBeGreaterThan(10);
    expect(nackedPackets).toBeGreaterThan(5);
    const pictures = scene.pictures();
    expect(pictures.length / countPictures(scene.viewer)).toBeGreaterThan(0.9);
  });

  it("of silence is a gap in time but not in the numbers", async () => {
    await using scene = await watchRobot();
    await scene.watch(30);
    scene.robot.beSilent(700);
    await scene.watch(60);
    const pictures = scene.pictures();
    const steps = pictures
      .slice(1)
      .map(({ timestamp }, index) => timestamp - (pictures[index]?.timestamp ?? 0));
    const longest = Math.max(...steps);
    expect(longest / 90).toBeGreaterThanOrEqual(650);
    expect(longest / 90).toBeLessThanOrEqual(800);
    await expectPerfect(scene, pictures);
  });

  it("of a fast clock shows in the timestamps", async () => {
    await using scene = await watchRobot({ clockSkewPpm: 100_000 });
    await scene.watch(10);
    const from = { at: performance.now(), timestamp: scene.viewer.packets.at(-1)?.header.timestamp ?? 0 };
    const videoOnly = () => scene.viewer.packets.findLast(({ header }) => header.payloadType === video);
    from.timestamp = videoOnly()?.header.timestamp ?? 0;
    await sleep(4000); // the clock is what is measured
    const seconds = (performance.now() - from.at) / 1000;
    const shown = ((videoOnly()?.header.timestamp ?? 0) - from.timestamp + 2 ** 32) % 2 ** 32;
    expect(shown / 90_000 / seconds).toBeGreaterThan(1.05);
    expect(shown / 90_000 / seconds).toBeLessThan(1.15);
  });

  it("of a camera that vanishes ends the pictures", async () => {
    await using scene = await watchRobot();
    await scene.watch(10);
    await scene.robot.vanish();
    expect(scene.robot.counters.viewers).toBe(0);
  });
});

it("keeps a log of what it sent and takes its second loop from the cache", async () => {
  await using scene = await watchRobot();
  await scene.watch(40);
  const { frames, counters } = scene.robot;
  expect(frames.length).toBe(counters.frames);
  expect(
    countJumps(
      frames.map(({ number }) => number),
      scene.robot.frameNumberModulus,
    ),
  ).toBe(0);
  expect(counters).toMatchObject({ viewers: 1, viewersEver: 1, skippedFrames: 0 });
});

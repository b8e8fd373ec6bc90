import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spotConfig } from "../helpers/appliance.ts";
import { buildLimitMs, builtImage, unpackImage } from "../helpers/built-image.ts";
import { watchGrowth } from "../helpers/delivery.ts";
import type { Growth } from "../helpers/delivery.ts";
import { whyNoDhcpNetwork } from "../helpers/dhcp-network.ts";
import {
  checkExt4,
  checkFat,
  copyPartition,
  readBootFile,
  readDataFile,
  writeBootFile,
} from "../helpers/disk-image.ts";
import { startGuest, whyNoGuest } from "../helpers/guest.ts";
import type { Guest } from "../helpers/guest.ts";
import { ingestName, openImageNetwork } from "../helpers/image-network.ts";
import type { ImageNetwork } from "../helpers/image-network.ts";
import { judgeRecording, steps } from "../helpers/judge.ts";

const life = new AbortController();
const why = whyNoGuest("arm64") ?? (await whyNoDhcpNetwork(life.signal));
if (why !== undefined) console.log(`The image is not started: ${why}`);

/** As a processor of another kind plays the device, on a busy machine. */
const bootLimitMs = 300_000;
const streamKey = "live_0123456789_keep_me_secret";
/** Of the recording, bytes. */
const severalSeconds = 500_000;
const camera = { width: 640, height: 360, fps: 15, bitrate: 800_000, idrInterval: 30 };

describe.skipIf(why !== undefined)("the image, from power-on", { timeout: 2 * bootLimitMs }, () => {
  const stack = new AsyncDisposableStack();
  let network: ImageNetwork;
  let guest: Guest;
  let disk: string;
  let growth: readonly Growth[];

  beforeAll(async () => {
    const image = await builtImage("generic-arm64");
    const folder = await mkdtemp(join(tmpdir(), "boot-"));
    stack.defer(() => rm(folder, { recursive: true }));
    disk = join(folder, "disk.img");
    await unpackImage(image, disk);
    network = stack.use(await openImageNetwork(camera, life.signal));
    stack.defer(() => life.abort());
    const { robot, ingest, namespace, taps } = network;
    // All that a person does: one file, on any laptop.
    const bootFile = {
      ...spotConfig(robot),
      outputs: [{ name: "main", url: `rtmp://${ingestName}:${ingest.port}/app`, streamKey }],
      autostart: "always",
      device: { hostname: "robot-7", robotInterface: "eth0", robotAddress: "dhcp", uplinks: ["eth1"] },
    };
    await writeBootFile(disk, "spotlive.yaml", JSON.stringify(bootFile, undefined, 2));
    growth = watchGrowth(ingest.fileOf(streamKey), life.signal, 100);
    guest = stack.use(await startGuest({ architecture: "arm64", disk, namespace, taps }, life.signal));
  }, buildLimitMs);
  afterAll(() => stack.disposeAsync());

  it("is live at the ingest, and nobody has touched it", async () => {
    const limit = AbortSignal.timeout(bootLimitMs);
    const beganMs = performance.now();
    await guest.serial.until(/boot mark rtmp-accepted/, limit);
    const until = async (isSo: () => Promise<boolean> | boolean): Promise<void> => {
      for (; !(await isSo()); limit.throwIfAborted()) await sleep(200);
    };
    await until(() => (growth.at(-1)?.bytes ?? 0) > severalSeconds);
    // The card's copy comes a moment after the mark; between two steps of a rewriting there is none.
    const onCard = (): Promise<string | undefined> =>
      readBootFile(disk, "boot-report.txt").catch(() => undefined);
    await until(async () => /accepted after/.test((await onCard()) ?? ""));
    // What waits for the line comes then.
    await guest.serial.until(/robot-7 login:/, limit);
    const firstMs = (growth.find(({ bytes }) => bytes > 0)?.atMs ?? Number.NaN) - beganMs;
    console.log(
      `${toldMarks(guest)}; bytes at the ingest after ${(firstMs / 1000).toFixed(1)} s of this machine's time`,
    );
    await guest.cutPower();
    // Nobody has said goodbye to the ingest: it would wait a minute and a half for more.
    await network.ingest.drop(streamKey);
    const verdict = await judgeRecording(await network.ingest.recording(streamKey));
    expect(verdict.complaints).toEqual([]);
    expect(verdict.numbers.length).toBeGreaterThan(30);
    expect(verdict.numbers).not.toContain(undefined);
    expect(Math.min(...steps(verdict.video))).toBeGreaterThan(0);
  });

  it("sends nothing to the robot's side that is meant for elsewhere, whatever is offered there", async () => {
    expect(await network.strayPackets()).toBe(0);
  });

  it("says on the boot partition what happened, for any laptop to read", async () => {
    const report = await readBootFile(disk, "boot-report.txt");
    expect(report).toContain("Ingest main: running, first accepted after");
    expect(report).not.toContain(streamKey);
    expect(await readBootFile(disk, "spotlive-problems.txt")).toBeUndefined();
  });

  it("keeps the secrets on the device and leaves none on the boot partition", async () => {
    const { password } = network.robot.up;
    const bootFile = await readBootFile(disk, "spotlive.yaml");
    expect(bootFile).toContain("kept-on-device");
    for (const secret of [streamKey, password]) expect(bootFile).not.toContain(secret);
    expect(await readDataFile(disk, "/spotlive/current/spotlive.yaml")).toContain(ingestName);
  });

  it("leaves file systems that mend themselves when the plug is pulled", async () => {
    const [boot, data] = [`${disk}.boot`, `${disk}.data`];
    await copyPartition(disk, "boot", boot);
    await copyPartition(disk, "data", data);
    // 1: the plug was pulled while the report was written, or a journal was played back.
    expect((await checkFat(boot, "mend")).status).toBeLessThan(2);
    expect(await checkFat(boot, "look")).toMatchObject({ status: 0 });
    expect((await checkExt4(data, "mend")).status).toBeLessThan(2);
    expect(await checkExt4(data, "look")).toMatchObject({ status: 0 });
  });

  // The last one: it begins where the plug was pulled.
  it("is live again at the next power-on, by what it has kept alone", async () => {
    const { namespace, taps, ingest } = network;
    const limit = AbortSignal.timeout(bootLimitMs);
    await using again = await startGuest({ architecture: "arm64", disk, namespace, taps }, life.signal);
    await again.serial.until(/boot mark rtmp-accepted/, limit);
    console.log(toldMarks(again));
    await again.cutPower();
    await ingest.drop(streamKey);
    const report = await readBootFile(disk, "boot-report.txt");
    expect(report?.match(/=== Power-on/g)).toHaveLength(2);
  });
});

function toldMarks({ serial }: Guest): string {
  const marks = [...serial.text.matchAll(/boot mark (\S+) ([\d.]+)/g)];
  return marks.map(([, name, seconds]) => `${name} ${seconds} s`).join(", ");
}

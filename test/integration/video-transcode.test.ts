import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { VideoUnit } from "../../src/domain/media.ts";
import { nowUs } from "../../src/lib/clock.ts";
import { joinAvcc } from "../../src/media/flv-reader.ts";
import { GopCache } from "../../src/media/gop-cache.ts";
import { nalType, typeOf } from "../../src/media/h264.ts";
import { parseSps, profileName } from "../../src/media/sps.ts";
import { codedPictures, decodePictures, pictureRate, timeOfPicture } from "../helpers/coded-pictures.ts";
import { ownChildren } from "../helpers/processes.ts";
import {
  expectNumbers,
  idrsOf,
  pictureMs,
  range,
  spsOf,
  startTranscoder,
  timesOf,
} from "../helpers/transcoder-line.ts";

/** 240 pictures with an IDR every 60. */
let source: readonly VideoUnit[] = [];
beforeAll(async () => {
  source = await codedPictures({
    count: 240,
    encoder: ["-g", "60", "-profile:v", "high", "-coder", "cabac"],
  });
});

async function encoderPid(): Promise<number> {
  await expect
    .poll(() => ownChildren().map(({ commandLine }) => commandLine))
    .toEqual([expect.stringContaining("libx264")]);
  return ownChildren()[0]?.pid ?? 0;
}

describe("a transcoded picture", () => {
  it("comes out once, in order, with its own times", async () => {
    await using line = startTranscoder({ width: 320, height: 180 });
    await line.play(source.slice(0, 90));
    await line.transcoder.drain();
    const { given, transcoder } = line;
    await expectNumbers(given, range(0, 90));
    for (const [index, unit] of given.entries()) {
      const { ptsUs: dtsUs, rtpTimestamp, receivedUs } = source[index] ?? unit;
      expect(unit).toMatchObject({ dtsUs, rtpTimestamp, receivedUs, packets: [] });
      expect(joinAvcc(unit.nalus)).toEqual(unit.avcc);
    }
    expect(parseSps(spsOf(given[0] ?? ({} as VideoUnit)))).toMatchObject({ width: 320, height: 180 });
    expect(transcoder.counters).toEqual({ taken: 90, dropped: 0, emitted: 90, restarts: 0, decoding: true });
  });

  it.each([
    ["constrained-baseline", "Constrained Baseline", 1],
    ["main", "Main", 2],
    ["high", "High", 0.5],
  ] as const)(
    "is of profile %s, and an IDR with its parameter sets as often as asked",
    async (profile, name, idrSeconds) => {
      await using line = startTranscoder({ profile, idrSeconds });
      await line.push(source.slice(0, 150));
      await line.transcoder.drain();
      const idrs = idrsOf(line.given);
      expect(timesOf(idrs)).toEqual(range(0, 150, idrSeconds * pictureRate).map(timeOfPicture));
      for (const idr of idrs) {
        expect(idr.nalus.slice(0, 2).map(typeOf)).toEqual([nalType.sps, nalType.pps]);
        expect(profileName(parseSps(spsOf(idr)))).toBe(name);
      }
    },
  );

  it("is left out where fewer are wanted, and the others keep their times", async () => {
    await using line = startTranscoder({ fps: 15 });
    await line.play(source.slice(0, 60));
    await expect.poll(() => line.given.length).toBe(30);
    await expectNumbers(line.given, range(0, 60, 2));
  });

  it("keeps its size when the source's changes", async () => {
    const small = await codedPictures({ count: 30, first: 60, size: "320x240" });
    await using line = startTranscoder();
    await line.push([...source.slice(0, 60), ...small, ...source.slice(120, 150)]);
    await line.transcoder.drain();
    expect(timesOf(line.given)).toEqual([...range(0, 90), ...range(120, 150)].map(timeOfPicture));
    for (const idr of idrsOf(line.given))
      expect(parseSps(spsOf(idr))).toMatchObject({ width: 640, height: 360 });
    const { numbers, complaints } = await decodePictures(line.given);
    expect(complaints).toEqual([]);
    expect(numbers).toHaveLength(120);
    expect([...numbers.slice(0, 60), ...numbers.slice(90)]).toEqual([...range(0, 60), ...range(120, 150)]);
  });

  it("comes in the order in which it is shown, from a source with B-frames", async () => {
    const reordered = await codedPictures({ count: 90, encoder: ["-tune", "film", "-bf", "2", "-g", "30"] });
    expect(reordered.some(({ ptsUs, dtsUs }) => ptsUs !== dtsUs)).toBe(true);
    await using line = startTranscoder();
    await line.play(reordered, 3);
    await line.transcoder.drain();
    const shown = timesOf(reordered).toSorted((a, b) => a - b);
    expect(line.given.length).toBeGreaterThan(80);
    expect(timesOf(line.given)).toEqual(shown.slice(0, line.given.length));
  });

  it("is made no larger than this machine was proven to hold, and that is said", async () => {
    const encode = { codec: "libx264", options: {} };
    const holds = { width: 320, height: 180, fps: 60, bitsPerSecond: 500_000 };
    const chain = { name: "software", runner: "ffmpeg", frames: "memory", devices: [], v4l2: [] } as const;
    const proven = { chain: { ...chain, encode, limits: holds }, holds, speed: 2, ssim: 0.99 };
    await using line = startTranscoder({}, { chain: () => proven });
    await line.play(source.slice(0, 30));
    await line.transcoder.drain();
    expect(parseSps(spsOf(line.given[0] ?? ({} as VideoUnit)))).toMatchObject({ width: 320, height: 180 });
    expect(line.given).toHaveLength(30);
    expect(line.notices()).toEqual([expect.stringContaining("320x180: 640x360 at 30 is more than")]);
  });

  it("is made smaller, at half the rate, for a board that is throttled", async () => {
    await using line = startTranscoder({}, { strain: 3 });
    await line.play(source.slice(0, 60));
    await line.transcoder.drain();
    expect(parseSps(spsOf(line.given[0] ?? ({} as VideoUnit)))).toMatchObject({ width: 320, height: 180 });
    expect(timesOf(line.given)).toEqual(range(0, 60, 2).map(timeOfPicture));
    expect(line.notices()).toEqual([expect.stringContaining("320x180 at half the rate")]);
  });
});

describe("a source without any IDR", () => {
  it("is shown at once from its first recovery point on, with IDRs", async () => {
    const refresh = ["-intra-refresh", "1", "-g", "30", "-x264-params", "repeat-headers=1"];
    const pictures = (await codedPictures({ count: 150, encoder: refresh })).slice(1);
    expect(idrsOf(pictures)).toEqual([]);
    const begin = pictures.findIndex(({ nalus }) => nalus.some((nalu) => typeOf(nalu) === nalType.sps));
    await using line = startTranscoder();
    const pushed = nowUs();
    await line.play(pictures);
    await line.transcoder.drain();
    const { given, transcoder } = line;
    expect(transcoder.counters).toMatchObject({ dropped: begin, emitted: 149 - begin });
    const firstMs = Math.round(((given[0]?.atUs ?? Infinity) - pushed) / 1000 - begin * pictureMs);
    console.log(`intra refresh: first picture ${firstMs} ms after the first with parameter sets`);
    expect(firstMs).toBeLessThan(2000);
    expect(given[0]?.keyframe).toBe(true);
    expect(idrsOf(given).length).toBeGreaterThanOrEqual(4);
    const { numbers } = await decodePictures(given);
    const healed = numbers.slice(65); // two refreshes
    expect(healed).toEqual(range(150 - healed.length, 150));
  });
});

describe("the ffmpeg behind the picture", () => {
  it.each(["SIGKILL", "SIGSEGV"] as const)(
    "may die of %s, and the next one begins with the current picture",
    async (signal) => {
      const cache = new GopCache();
      const gop = (): VideoUnit[] => cache.units.filter((unit) => unit.kind === "video");
      await using line = startTranscoder({}, { gop });
      const play = async (units: readonly VideoUnit[]): Promise<void> => {
        for (const unit of units) {
          cache.push(unit);
          line.transcoder.push(unit);
          await sleep(pictureMs);
        }
      };
      await play(source.slice(0, 90));
      process.kill(await encoderPid(), signal);
      await play(source.slice(90, 92));
      await expect(line.transcoder.drain()).resolves.toBeUndefined();
      const before = line.given.length;
      expect(before).toBe(90);
      expect(line.transcoder.counters.decoding).toBe(false);
      const beganUs = nowUs();
      void line.run();
      await play(source.slice(92, 115));
      await line.transcoder.drain();
      const after = line.given.slice(before);
      const resumedMs = Math.round(((after[0]?.atUs ?? Infinity) - beganUs) / 1000);
      console.log(`after ${signal}: current picture ${resumedMs} ms after the new start`);
      expect(resumedMs).toBeLessThan(2000);
      expect(after[0]?.keyframe).toBe(true);
      await expectNumbers(after, range(91, 115));
      expect(line.transcoder.counters).toMatchObject({ restarts: 1, decoding: true });
    },
  );

  it("says how it died", async () => {
    await using line = startTranscoder();
    const running = line.running();
    line.transcoder.push(source[0] ?? ({} as VideoUnit));
    process.kill(await encoderPid(), "SIGSEGV");
    await expect(running).rejects.toMatchObject({
      code: "child-failed",
      retryable: true,
      message: expect.stringContaining("ffmpeg, encoding the picture, ended with signal SIGSEGV"),
    });
  });

  it("cannot block the camera when it hangs, and is killed for it", async () => {
    await using line = startTranscoder({}, { stallMs: 1500 });
    const running = line.running();
    await line.push(source.slice(0, 10));
    process.kill(await encoderPid(), "SIGSTOP");
    const beganUs = nowUs();
    const outcome = running.then(
      () => undefined,
      (error: unknown) => error,
    );
    await line.play(source.slice(10, 90));
    expect(await outcome).toMatchObject({
      code: "child-failed",
      message: "ffmpeg, encoding the picture, stalled: it was given pictures for 1.5 s and gave none back.",
    });
    expect((nowUs() - beganUs) / 1000).toBeLessThan(5000);
    expect(ownChildren()).toEqual([]);
  });

  it("begins anew when the source's pictures come so much faster that the bit rate would not hold", async () => {
    await using line = startTranscoder();
    const outcome = line.running().then(
      () => undefined,
      (error: unknown) => error,
    );
    const faster = source.slice(60, 150).map((unit, index) => {
      const dtsUs = timeOfPicture(60) + index * 16_667;
      return { ...unit, dtsUs, ptsUs: dtsUs };
    });
    await line.push(source.slice(0, 60));
    for (const unit of faster) {
      line.transcoder.push(unit);
      await sleep(5);
    }
    expect(await outcome).toMatchObject({
      code: "child-failed",
      message: expect.stringMatching(/begins anew: (39|4\d|5\d|60) pictures a second come now/),
    });
  });

  it("is fed no more than it can take, and goes on with an IDR when it can again", async () => {
    await using line = startTranscoder({}, { stallMs: 60_000 });
    await line.push(source.slice(0, 10));
    await line.transcoder.drain();
    const pid = await encoderPid();
    process.kill(pid, "SIGSTOP");
    for (const unit of source.slice(10, 150)) line.transcoder.push(unit);
    const { counters } = line.transcoder;
    expect(counters).toMatchObject({ taken: 70, dropped: 80 });
    expect(line.notices()).toEqual([expect.stringContaining("Pictures are being dropped")]);
    process.kill(pid, "SIGCONT");
    await expect.poll(() => counters.emitted).toBe(70);
    await line.push(source.slice(150, 210));
    await line.transcoder.drain();
    await expectNumbers(line.given, [...range(0, 70), ...range(180, 210)]);
    expect(line.notices()).toHaveLength(1);
  });

  it("survives damage, and so does the picture after it", async () => {
    await using line = startTranscoder();
    await line.push(source.slice(0, 20));
    let seed = 1;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const damaged = source.slice(20, 120).map((unit, index): VideoUnit => {
      const nalus = unit.nalus.map((nalu) => {
        const bytes = Buffer.from(nalu);
        for (let hit = 0; hit < 1 + bytes.length / 50; hit += 1) {
          bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
        }
        return index % 3 === 0 ? bytes.subarray(0, Math.ceil(random() * bytes.length)) : bytes;
      });
      const kept = index % 17 === 0 ? [] : nalus;
      return { ...unit, nalus: kept, avcc: joinAvcc(kept) };
    });
    await line.play(damaged, 3);
    await line.play(source.slice(120, 180), 3);
    await line.transcoder.drain();
    const after = line.given.filter(({ ptsUs }) => ptsUs >= timeOfPicture(120));
    expect(timesOf(after)).toEqual(range(120, 180).map(timeOfPicture));
    const times = timesOf(line.given);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const { numbers } = await decodePictures(line.given);
    expect(numbers.slice(-60)).toEqual(range(120, 180));
    expect(ownChildren()).toHaveLength(1);
  });

  it("never sees what is no picture at all", async () => {
    await using line = startTranscoder();
    const unit = source[0] ?? ({} as VideoUnit);
    const nothing = { ...unit, nalus: [], avcc: Buffer.alloc(0) };
    const hugeSet = Buffer.alloc(70_000, 0x67);
    line.transcoder.push(nothing);
    line.transcoder.push({ ...unit, nalus: [hugeSet, hugeSet], avcc: joinAvcc([hugeSet, hugeSet]) });
    line.transcoder.push({ ...unit, avcc: Buffer.alloc(17_000_000) });
    expect(line.transcoder.counters).toMatchObject({ taken: 0, dropped: 3 });
    line.transcoder.push(unit);
    line.transcoder.push(nothing);
    line.transcoder.push({ ...unit, dtsUs: unit.dtsUs + 1, avcc: Buffer.alloc(17_000_000) });
    expect(line.transcoder.counters).toMatchObject({ taken: 1, dropped: 5 });
    await expect.poll(() => line.given.length).toBe(1);
  });

  it("is gone when it was stopped", async () => {
    const line = startTranscoder();
    await line.push(source.slice(0, 10));
    await encoderPid();
    await line.stop();
    expect(ownChildren()).toEqual([]);
    expect(line.transcoder.counters.decoding).toBe(false);
    line.transcoder.push(source[10] ?? ({} as VideoUnit));
    await line.transcoder.drain();
  });

  it("may be missing", async () => {
    const { PATH } = process.env;
    process.env.PATH = "/nowhere";
    try {
      const line = startTranscoder();
      const running = line.running();
      line.transcoder.push(source[0] ?? ({} as VideoUnit));
      await expect(running).rejects.toMatchObject({ code: "child-missing", retryable: false });
    } finally {
      process.env.PATH = PATH;
    }
  });
});

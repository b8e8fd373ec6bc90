import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FfmpegSource } from "../../src/camera/ffmpeg-source.ts";
import { createFileSource } from "../../src/camera/file.ts";
import type { VideoUnit } from "../../src/domain/media.ts";
import { parseAudioSpecificConfig } from "../../src/media/aac.ts";
import { splitAvcc } from "../../src/media/flv-reader.ts";
import { nalType, splitAnnexB, typeOf } from "../../src/media/h264.ts";
import { collect, ffmpeg, recordEvents } from "../helpers/collect.ts";
import { ownChildren } from "../helpers/processes.ts";
import { withoutVui } from "../helpers/sps-writer.ts";

const folder = mkdtempSync(join(tmpdir(), "spotlive-file-"));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "15", "-threads", "1"];
const picture = (rate: number): string[] => ["-f", "lavfi", "-i", `testsrc2=size=320x180:rate=${rate}`];
const tone = (rate: number): string[] => ["-f", "lavfi", "-i", `sine=sample_rate=${rate}`];

beforeAll(async () => {
  const bFrames = [...picture(30), ...tone(48_000), "-t", "2", ...x264, "-bf", "2", "-c:a", "aac"];
  await ffmpeg([...bFrames, path("b.mp4")]);
  await ffmpeg(["-i", path("b.mp4"), "-c", "copy", path("b.mkv")]);
  await ffmpeg(["-i", path("b.mp4"), "-c", "copy", path("b.ts")]);
  await ffmpeg([...picture(25), "-t", "2", ...x264, "-bf", "0", path("plain25.h264")]);
  await ffmpeg(["-i", path("b.mp4"), "-c", "copy", path("b.h264")]);
  await ffmpeg([
    ...picture(30),
    "-t",
    "1",
    ...x264,
    "-bf",
    "0",
    "-profile:v",
    "baseline",
    path("timed.h264"),
  ]);
  const untimed = splitAnnexB(readFileSync(path("timed.h264"))).map((nalu) =>
    typeOf(nalu) === nalType.sps ? withoutVui(nalu) : nalu,
  );
  writeFileSync(path("untimed.h264"), annexB(untimed));
  await ffmpeg([...picture(30), ...tone(48_000), "-t", "1", ...x264, "-c:a", "libmp3lame", path("mp3.mp4")]);
  await ffmpeg([...picture(30), ...tone(32_000), "-t", "1", ...x264, "-c:a", "aac", path("aac32.mp4")]);
  await ffmpeg([...picture(30), "-t", "1", "-c:v", "mpeg4", path("mpeg4.mp4")]);
  await ffmpeg([...tone(48_000), "-t", "1", path("sound-only.mp4")]);
  writeFileSync(path("junk.mp4"), "this is no film");
});

function annexB(nalus: readonly Uint8Array[]): Buffer {
  return Buffer.concat(nalus.flatMap((nalu) => [Buffer.from([0, 0, 0, 1]), nalu]));
}

const fileSource = (name: string, loop = false, report = recordEvents().report) =>
  createFileSource({ path: path(name), loop, report });

const steps = (values: readonly number[]): number[] =>
  values.slice(1).map((value, index) => value - (values[index] ?? 0));

/** How many pictures ffmpeg decodes from these units; it must not complain about any. */
async function decode(units: readonly VideoUnit[]): Promise<number> {
  const stream = annexB(units.flatMap(({ nalus }) => nalus));
  const hashes = await ffmpeg(
    ["-f", "h264", "-i", "pipe:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"],
    stream,
  );
  return hashes
    .toString()
    .split("\n")
    .filter((line) => line.startsWith("0,")).length;
}

describe("a file", () => {
  it.each(["b.mp4", "b.mkv", "b.ts"])(
    "of kind %s gives every picture once, in decoding order, at its own pace",
    async (name) => {
      const { pictures, sounds, fault } = await collect(fileSource(name));
      expect(fault?.code).toBe("source-ended");
      expect(pictures).toHaveLength(60);
      expect(await decode(pictures)).toBe(60);
      const times = steps(pictures.map(({ dtsUs }) => dtsUs));
      expect(Math.min(...times)).toBeGreaterThanOrEqual(32_000);
      expect(Math.max(...times)).toBeLessThanOrEqual(35_000);
      expect(pictures.every(({ ptsUs, dtsUs }) => ptsUs >= dtsUs && ptsUs - dtsUs < 200_000)).toBe(true);
      expect(pictures.some(({ ptsUs, dtsUs }) => ptsUs - dtsUs > 60_000)).toBe(true); // B-frames
      expect(pictures[0]?.dtsUs).toBe(pictures[0]?.receivedUs);
      const took = (pictures.at(-1)?.receivedUs ?? 0) - (pictures[0]?.receivedUs ?? 0);
      expect(took).toBeGreaterThan(1_300_000);
      expect(sounds.length).toBeGreaterThan(85);
      expect(Math.abs((sounds[0]?.ptsUs ?? 0) - (pictures[0]?.ptsUs ?? 0))).toBeLessThan(100_000);
      expect(Math.min(...steps(sounds.map(({ ptsUs }) => ptsUs)))).toBeGreaterThan(20_000);
      expect(parseAudioSpecificConfig(sounds[0]?.config ?? new Uint8Array())).toMatchObject({
        sampleRate: 48_000,
      });
      expect(new Set(sounds.map(({ config }) => config)).size).toBe(1);
    },
  );

  it("has its parameter sets in front of each IDR, and only an IDR counts as a keyframe", async () => {
    const { pictures } = await collect(fileSource("b.mp4"));
    const keyframes = pictures.filter(({ keyframe }) => keyframe);
    expect(keyframes).toHaveLength(4);
    for (const { nalus, avcc, keyframe, packets, rtpTimestamp, ptsUs } of pictures) {
      const types = nalus.map(typeOf);
      expect(keyframe).toBe(types.includes(nalType.idr));
      if (keyframe) expect(types.slice(0, 2)).toEqual([nalType.sps, nalType.pps]);
      expect(splitAvcc(Buffer.from(avcc))).toEqual(nalus);
      expect(packets).toEqual([]);
      expect(rtpTimestamp).toBe(Math.round(ptsUs * 0.09) % 2 ** 32);
    }
  });

  it.each([
    ["b.mp4", 60],
    ["plain25.h264", 50],
  ])("loops (%s) with its time going on upwards", async (name, length) => {
    const { pictures, fault } = await collect(
      fileSource(name, true),
      ({ length: count }) => count >= length * 2 + 10,
    );
    expect(fault).toBeUndefined();
    expect(pictures.filter(({ keyframe }) => keyframe).length).toBeGreaterThanOrEqual(8);
    expect(Math.min(...steps(pictures.map(({ dtsUs }) => dtsUs)))).toBeGreaterThan(20_000);
    expect(Math.max(...steps(pictures.map(({ dtsUs }) => dtsUs)))).toBeLessThan(100_000);
  });

  it("takes up its time where it was when it is run again", async () => {
    const source = fileSource("untimed.h264");
    const first = await collect(source);
    const second = await collect(source);
    expect(second.pictures[0]?.dtsUs).toBeGreaterThan(first.pictures.at(-1)?.dtsUs ?? Infinity);
  });

  it("leaves other sound out, with a notice", async () => {
    for (const name of ["mp3.mp4", "aac32.mp4"]) {
      const events = recordEvents();
      const { pictures, sounds } = await collect(fileSource(name, false, events.report));
      expect(pictures).toHaveLength(30);
      expect(sounds).toHaveLength(0);
      expect(events.notices()).toEqual([expect.stringContaining("is left out")]);
    }
  });

  it("tells once a second, and at its end, what it counted", async () => {
    const { report, events } = recordEvents();
    const { pictures } = await collect(fileSource("b.mp4", false, report));
    const progress = events.filter((event) => event.type === "source-progress");
    expect(progress.length).toBeGreaterThanOrEqual(2);
    expect(progress.at(-1)).toMatchObject({
      name: "file",
      counters: { units: 60, keyframes: 4, bytes: pictures.reduce((sum, { avcc }) => sum + avcc.length, 0) },
    });
  });
});

describe("a raw H.264 file", () => {
  it("runs at the frame rate of its SPS", async () => {
    const { pictures } = await collect(fileSource("plain25.h264"));
    expect(pictures).toHaveLength(50);
    expect(steps(pictures.map(({ dtsUs }) => dtsUs)).every((step) => step === 40_000)).toBe(true);
    expect(pictures.every(({ ptsUs, dtsUs }) => ptsUs === dtsUs)).toBe(true);
    expect(await decode(pictures)).toBe(50);
  });

  it("runs at 30 pictures a second when its SPS tells none", async () => {
    const { pictures } = await collect(fileSource("untimed.h264"));
    expect(pictures).toHaveLength(30);
    expect(new Set(steps(pictures.map(({ dtsUs }) => dtsUs)))).toEqual(new Set([33_000, 34_000]));
  });
});

describe("what cannot be used", () => {
  it.each([
    ["mpeg4.mp4", /Expected H.264 video.*found mpeg4 video/],
    ["sound-only.mp4", /Expected H.264 video.*found no video/],
    ["b.h264", /raw H.264 stream with B-frames.*MP4/],
    ["junk.mp4", /junk.mp4 cannot be used.*Invalid data/],
    ["missing.mp4", /missing.mp4 cannot be used.*No such file/],
  ])("is refused in plain words: %s", async (name, words) => {
    const { fault, pictures } = await collect(fileSource(name));
    expect(fault).toMatchObject({ code: "source-unsupported", retryable: false });
    expect(fault?.message).toMatch(words);
    expect(pictures).toHaveLength(0);
  });

  it("is a machine without ffmpeg", async () => {
    const { PATH } = process.env;
    process.env.PATH = folder;
    try {
      expect((await collect(fileSource("b.mp4"))).fault?.code).toBe("child-missing");
    } finally {
      process.env.PATH = PATH;
    }
  });
});

describe("the ffmpeg behind a source", () => {
  const idle = ["-f", "h264", "-i", "pipe:0", "-c", "copy", "-f", "flv", "pipe:1"];
  const source = (options: Partial<ConstructorParameters<typeof FfmpegSource>[0]>) =>
    new FfmpegSource({
      name: "test",
      purpose: "reading nothing",
      stallMs: 60_000,
      report() {},
      prepare: async () => ({ argv: idle }),
      ...options,
    });

  it("counts as stalled, and is ended, when nothing comes", async () => {
    const { fault } = await collect(source({ stallMs: 500 }));
    expect(fault).toMatchObject({
      code: "source-stalled",
      message: "No data came for 0.5 s while reading nothing.",
    });
    expect(ownChildren()).toEqual([]);
  });

  it("makes a fault of its death that says how it died, and leaves no process", async () => {
    const running = collect(fileSource("b.mp4", true), (pictures) => {
      if (pictures.length === 10)
        for (const { pid, commandLine } of ownChildren())
          if (commandLine.includes("b.mp4")) process.kill(pid, "SIGKILL");
      return false;
    });
    const { fault } = await running;
    expect(fault).toMatchObject({ code: "child-failed", retryable: true });
    expect(fault?.message).toContain("signal SIGKILL");
    expect(ownChildren()).toEqual([]);
  });

  it("is refused when what it gives is no FLV", async () => {
    const { fault } = await collect(source({ prepare: async () => ({ argv: ["-version"] }) }));
    expect(fault?.code).toBe("malformed");
  });

  it("is gone when its source was stopped", async () => {
    const { fault } = await collect(fileSource("plain25.h264", true), ({ length }) => length >= 5);
    expect(fault).toBeUndefined();
    expect(ownChildren()).toEqual([]);
  });
});

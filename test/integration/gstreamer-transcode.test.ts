import { beforeAll, describe, expect, it } from "vitest";
import type { TranscodeTarget } from "../../src/domain/verdict.ts";
import type { VideoUnit } from "../../src/domain/media.ts";
import { joinAvcc } from "../../src/media/flv-reader.ts";
import { nalType, typeOf } from "../../src/media/h264.ts";
import { parseSps } from "../../src/media/sps.ts";
import { codedPictures, decodePictures, pictureRate, timeOfPicture } from "../helpers/coded-pictures.ts";
import { noGstreamer, provenChain, softwareChain } from "../helpers/gstreamer.ts";
import {
  expectNumbers,
  idrsOf,
  patience,
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

const startGstreamer = (target: Partial<TranscodeTarget> = {}, chain = softwareChain) =>
  startTranscoder(target, provenChain(chain));

describe.skipIf(noGstreamer !== undefined)("a picture through GStreamer", () => {
  it("comes out once, in order, with its own times", async () => {
    await using line = startGstreamer({ width: 320, height: 180 });
    await line.play(source.slice(0, 90));
    await line.until(90);
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

  it.each([0.5, 1, 2])("is an IDR with its parameter sets every %d s", async (idrSeconds) => {
    await using line = startGstreamer({ idrSeconds });
    await line.push(source.slice(0, 150));
    await line.until(150);
    const idrs = idrsOf(line.given);
    expect(timesOf(idrs)).toEqual(range(0, 150, idrSeconds * pictureRate).map(timeOfPicture));
    for (const idr of idrs) expect(idr.nalus.slice(0, 2).map(typeOf)).toEqual([nalType.sps, nalType.pps]);
  });

  it("comes out of another encoder just so", async () => {
    const encoder = {
      element: "openh264enc",
      properties: { "gop-size": "{gop}", "scene-change-detection": false },
    };
    const bitrate = { property: "bitrate", bitsPerUnit: 1 };
    await using line = startGstreamer({}, { ...softwareChain, encode: [encoder], bitrate });
    await line.push(source.slice(0, 90));
    await line.until(90);
    await expectNumbers(line.given, range(0, 90));
    expect(timesOf(idrsOf(line.given))).toEqual([0, 30, 60].map(timeOfPicture));
    expect(line.transcoder.setBitrate(500_000)).toBe(true);
    await line.push(source.slice(90, 120));
    expect(line.notices()).toEqual([]);
  });

  it("is left out where fewer are wanted, and the others keep their times", async () => {
    await using line = startGstreamer({ fps: 15 });
    await line.play(source.slice(0, 60));
    await line.until(29);
    await expectNumbers(line.given, range(0, 2 * line.given.length, 2));
  });

  it("keeps its size when the source's changes", async () => {
    const small = await codedPictures({ count: 30, first: 60, size: "320x240" });
    await using line = startGstreamer();
    await line.push([...source.slice(0, 60), ...small, ...source.slice(120, 150)]);
    await line.until(120);
    expect(timesOf(line.given)).toEqual([...range(0, 90), ...range(120, 150)].map(timeOfPicture));
    for (const idr of idrsOf(line.given))
      expect(parseSps(spsOf(idr))).toMatchObject({ width: 640, height: 360 });
    const { numbers, complaints } = await decodePictures(line.given);
    expect(complaints).toEqual([]);
    expect([...numbers.slice(0, 60), ...numbers.slice(90)]).toEqual([...range(0, 60), ...range(120, 150)]);
  });

  it("comes in the order in which it is shown, from a source with B-frames", async () => {
    const reordered = await codedPictures({ count: 90, encoder: ["-tune", "film", "-bf", "2", "-g", "30"] });
    await using line = startGstreamer();
    await line.play(reordered, 3);
    await line.until(81);
    const shown = timesOf(reordered).toSorted((a, b) => a - b);
    expect(timesOf(line.given)).toEqual(shown.slice(0, line.given.length));
  });

  it("is shown from the first recovery point on where the source has no IDR, and gets IDRs", async () => {
    const refresh = ["-intra-refresh", "1", "-g", "30", "-x264-params", "repeat-headers=1"];
    const pictures = (await codedPictures({ count: 150, encoder: refresh })).slice(1);
    expect(idrsOf(pictures)).toEqual([]);
    await using line = startGstreamer();
    await line.play(pictures);
    const { given } = line;
    await expect.poll(() => given.at(-1)?.ptsUs, patience).toBe(timeOfPicture(149));
    expect(given[0]?.keyframe).toBe(true);
    expect(idrsOf(given).length).toBeGreaterThanOrEqual(3);
    const { numbers } = await decodePictures(given);
    const healed = numbers.slice(65); // two refreshes
    expect(healed).toEqual(range(150 - healed.length, 150));
  });

  it("is an IDR in time although the source's pictures come slower than before", async () => {
    await using line = startGstreamer({ idrSeconds: 1 });
    await line.push(source.slice(0, 60));
    const slower = source.slice(60, 110).map((unit, index) => {
      const dtsUs = timeOfPicture(60) + index * 100_000;
      return { ...unit, dtsUs, ptsUs: dtsUs };
    });
    await line.play(slower, 1 / 3); // at their own pace: an IDR is asked for by a message that takes its time
    await line.until(110);
    const times = idrsOf(line.given).map(({ ptsUs }) => ptsUs);
    const steps = times.slice(1).map((us, index) => (us - (times[index] ?? us)) / 1e6);
    console.log(
      `10 pictures a second after 30: IDRs after ${steps.map((step) => step.toFixed(2)).join(", ")} s`,
    );
    expect(Math.max(...steps)).toBeLessThanOrEqual(1.3);
  });
});

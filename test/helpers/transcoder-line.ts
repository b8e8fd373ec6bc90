import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { VideoUnit } from "../../src/domain/media.ts";
import { nowUs } from "../../src/lib/clock.ts";
import { nalType, typeOf } from "../../src/media/h264.ts";
import { createVideoTranscoder } from "../../src/transcode/video-transcoder.ts";
import type { VideoTranscoderOptions } from "../../src/transcode/video-transcoder.ts";
import { decodePictures, pictureRate, timeOfPicture } from "./coded-pictures.ts";
import { recordEvents } from "./collect.ts";

const usual = { bitsPerSecond: 800_000, idrSeconds: 1, profile: "main" } as const;
export const pictureMs = 1000 / pictureRate;

/** For `expect.poll`: looks often, and gives a busy machine time. */
export const patience = { interval: 1, timeout: 20_000 };

/** A transcoder that runs, and what came out of it with the time at which it came. */
export function startTranscoder(
  target: Partial<VideoTranscoderOptions["target"]> = {},
  options: Partial<VideoTranscoderOptions> = {},
) {
  const { report, notices } = recordEvents();
  const given: (VideoUnit & { readonly atUs: number })[] = [];
  const transcoder = createVideoTranscoder({
    target: { ...usual, ...target },
    report,
    emit: (unit) => void given.push({ ...unit, atUs: nowUs() }),
    ...options,
  });
  let stop = new AbortController();
  let running: Promise<void> = Promise.resolve();
  const line = {
    transcoder,
    given,
    notices,
    /** A new attempt. */
    run(): Promise<void> {
      stop = new AbortController();
      running = transcoder.run(stop.signal);
      running.catch(() => {});
      return running;
    },
    running: (): Promise<void> => running,
    /** Pushes as fast as pictures come back. */
    async push(units: readonly VideoUnit[]): Promise<void> {
      const { counters } = transcoder;
      for (const unit of units) {
        await expect.poll(() => counters.taken - counters.emitted, patience).toBeLessThan(10);
        transcoder.push(unit);
      }
    },
    /** Waits for so many pictures, all in all. */
    async until(count: number): Promise<void> {
      await expect.poll(() => given.length, patience).toBeGreaterThanOrEqual(count);
    },
    /** Pushes at the pictures' own pace, or so many times as fast. */
    async play(units: readonly VideoUnit[], speed = 1): Promise<void> {
      const began = nowUs();
      for (const [index, unit] of units.entries()) {
        const waitMs = (index * pictureMs) / speed - (nowUs() - began) / 1000;
        if (waitMs > 0) await sleep(waitMs);
        transcoder.push(unit);
      }
    },
    stop: async (): Promise<void> => {
      stop.abort();
      await running;
    },
    [Symbol.asyncDispose]: async (): Promise<void> => {
      stop.abort();
      await running.catch(() => {});
    },
  };
  void line.run();
  return line;
}

export const spsOf = ({ nalus }: VideoUnit): Uint8Array =>
  nalus.find((nalu) => typeOf(nalu) === nalType.sps) ?? new Uint8Array();
export const idrsOf = (units: readonly VideoUnit[]): VideoUnit[] => units.filter(({ keyframe }) => keyframe);
export const timesOf = (units: readonly VideoUnit[]): number[] => units.map(({ ptsUs }) => ptsUs);
export const range = (from: number, to: number, step = 1): number[] =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, index) => from + index * step);

/** Every picture shows the number that belongs to its time. */
export async function expectNumbers(units: readonly VideoUnit[], numbers: readonly number[]): Promise<void> {
  expect(timesOf(units)).toEqual(numbers.map(timeOfPicture));
  const { numbers: decoded, complaints } = await decodePictures(units);
  expect(complaints).toEqual([]);
  expect(decoded).toEqual(numbers);
}

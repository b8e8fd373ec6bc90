import { describe, expect, it } from "vitest";
import type { AudioUnit, VideoUnit } from "../../../src/domain/media.ts";
import { SegmentAlignment } from "../../../src/media/segment-alignment.ts";
import { videoUnit } from "../../helpers/publish.ts";

const frameUs = 33_333;
/** When the segment is full in which the camera comes back. */
const endUs = 60_000_000;

const picture = (us: number): VideoUnit => videoUnit([Uint8Array.of(0x41)], us);
const idr = (us: number): VideoUnit => videoUnit([Uint8Array.of(0x65)], us);
const sound = (us: number): AudioUnit => ({
  kind: "audio",
  ptsUs: us,
  codec: "aac",
  payload: Uint8Array.of(1),
});

function resumed(idrUs: number): SegmentAlignment {
  const alignment = new SegmentAlignment();
  alignment.resume(idrUs, endUs);
  return alignment;
}

describe("the camera's stream after a hold", () => {
  it.for([1, 5000, frameUs, 150_000])(
    "is moved so that its IDR, %i us early, is where the segment is full",
    (earlyUs) => {
      const alignment = resumed(endUs - earlyUs);
      expect(alignment.video(idr(endUs - earlyUs))).toMatchObject({ dtsUs: endUs, ptsUs: endUs });
    },
  );

  it.for([-1, -100_000, 0, 150_001, 1_000_000])("is where it was when its IDR is %i us early", (earlyUs) => {
    const unit = idr(endUs - earlyUs);
    expect(resumed(endUs - earlyUs).video(unit)).toBe(unit);
  });

  it("is moved by the same time, picture by picture, for good", () => {
    const alignment = resumed(endUs - 20_000);
    const times = Array.from({ length: 10_000 }, (_, i) => endUs - 20_000 + i * frameUs);
    const moved = times.map((us) => alignment.video(picture(us)).dtsUs - us);
    expect(new Set(moved)).toEqual(new Set([20_000]));
  });

  it("is moved by what the newest hold says, not by the sum of all", () => {
    const alignment = resumed(endUs - 20_000);
    alignment.resume(endUs + 10_000_000 - 30_000, endUs + 10_000_000);
    expect(alignment.video(picture(0)).dtsUs).toBe(30_000);
    alignment.resume(endUs + 20_000_000, endUs + 20_000_000);
    expect(alignment.video(picture(0)).dtsUs).toBe(0);
  });

  it("keeps the time from decoding to showing", () => {
    const unit = { ...picture(endUs), ptsUs: endUs + frameUs };
    expect(resumed(endUs - 1000).video(unit)).toMatchObject({
      dtsUs: endUs + 1000,
      ptsUs: unit.ptsUs + 1000,
    });
  });

  it("gives the camera's own times of a picture back", () => {
    const alignment = resumed(endUs - 20_000);
    const unit = picture(endUs);
    expect(alignment.original(alignment.video(unit))).toEqual(unit);
    expect(new SegmentAlignment().original(unit)).toBe(unit);
  });

  it("takes its sound along within three seconds, without a gap or a step back", () => {
    const alignment = resumed(endUs - 150_000);
    const times = Array.from({ length: 200 }, (_, i) => endUs + Math.round((i * 1024e6) / 48_000));
    const moved = times.map((us) => alignment.audio(sound(us)).ptsUs);
    const steps = moved.slice(1).map((us, i) => us - (moved[i] ?? 0));
    expect(Math.max(...steps)).toBeLessThan(24_000);
    expect(moved.slice(141).map((us, i) => us - (times[i + 141] ?? 0))).toEqual(
      Array.from({ length: 59 }, () => 150_000),
    );
    alignment.resume(endUs + 10_000_000, endUs + 10_000_000);
    const back = times.map((us) => alignment.audio(sound(us)).ptsUs);
    const stepsBack = back.slice(1).map((us, i) => us - (back[i] ?? 0));
    expect(Math.min(...stepsBack)).toBeGreaterThan(18_000);
    expect(back.at(-1)).toBe(times.at(-1));
  });

  it("is that of before after a broadcast has ended", () => {
    const alignment = resumed(endUs - 20_000);
    alignment.reset();
    const unit = picture(endUs);
    expect(alignment.video(unit)).toBe(unit);
  });
});

describe("the segment in which the camera comes back", () => {
  /** Which of these pictures ask for an IDR. */
  const asking = (alignment: SegmentAlignment, units: readonly VideoUnit[]): number[] =>
    units.filter((unit) => alignment.isOverdue(unit)).map(({ dtsUs }) => dtsUs - endUs);

  it("asks for an IDR from when it is full until there is one", () => {
    const alignment = resumed(endUs - 1_000_000);
    const units = [
      ...[idr(endUs - 1_000_000), picture(endUs - 1), picture(endUs), picture(endUs + frameUs)],
      ...[idr(endUs + 2 * frameUs), picture(endUs + 3 * frameUs)],
    ];
    expect(asking(alignment, units)).toEqual([0, frameUs]);
  });

  it("asks for none when an IDR comes by itself where it is full", () => {
    const alignment = resumed(endUs - 1_000_000);
    expect(asking(alignment, [idr(endUs - 1_000_000), idr(endUs), picture(endUs + frameUs)])).toEqual([]);
  });

  it("asks for none when it ended as the camera came, or began then", () => {
    for (const earlyUs of [-frameUs, 0, 20_000, 150_000, 1_850_000, 1_999_999])
      expect(asking(resumed(endUs - earlyUs), [picture(endUs), picture(endUs + 1_000_000)])).toEqual([]);
  });

  it("asks for none any more when the camera is away again", () => {
    const alignment = resumed(endUs - 1_000_000);
    alignment.interrupt();
    expect(asking(alignment, [picture(endUs)])).toEqual([]);
  });
});

import { beforeAll, describe, expect, it } from "vitest";
import { join } from "node:path";
import type { VideoUnit } from "../../../src/domain/media.ts";
import { isSlice, typeOf } from "../../../src/media/h264.ts";
import { PictureHold } from "../../../src/media/hold.ts";
import { slice, writePps, writeSps } from "../../helpers/h264-writer.ts";
import { unitsFromAnnexB, videoUnit } from "../../helpers/publish.ts";

/** 90 pictures of a real stream, an IDR at 0, 30 and 60. */
let stream: readonly VideoUnit[] = [];
const frameUs = 33_333;

beforeAll(async () => {
  const file = join(import.meta.dirname, "../../fixtures/openh264-160x96.h264");
  stream = (await unitsFromAnnexB(file, 30)).map((unit) => ({
    ...unit,
    rtpTimestamp: Math.round(unit.dtsUs * 0.09),
  }));
});

function at(index: number): VideoUnit {
  const unit = stream[index];
  if (unit === undefined) throw new Error(`There is no picture ${index}.`);
  return unit;
}

/** A hold after pictures 0 to 44, so with an IDR at 30. */
function begun(): { hold: PictureHold; reason: string | undefined; last: VideoUnit } {
  const hold = new PictureHold();
  for (const unit of stream.slice(0, 45)) hold.note(unit);
  return { hold, reason: hold.begin(at(30)), last: at(44) };
}

/** Looks every 20 ms. */
function takeFor(hold: PictureHold, fromUs: number, seconds: number): VideoUnit[] {
  const taken: VideoUnit[] = [];
  for (let us = fromUs; us <= fromUs + seconds * 1e6; us += 20_000) taken.push(...hold.take(us));
  return taken;
}

/** A stream whose pictures may be interlaced, which skip pictures are not made for. */
const interlaced = writeSps({ interlaced: true });
const slicesOf = (header: number): Uint8Array =>
  slice(header, (bits) => {
    for (const value of [0, 7, 0]) bits.unsignedExpGolomb(value);
    bits.unsigned(32, 0x1234_5678);
  });
const limited = (us: number): VideoUnit => videoUnit([interlaced, writePps(), slicesOf(0x65)], us);

describe("the held picture", () => {
  it("gives nothing before it is begun, and nothing after a picture of the camera", () => {
    const hold = new PictureHold();
    expect([...hold.take(1e9)]).toEqual([]);
    hold.note(at(0));
    hold.begin(at(0));
    hold.note(at(1));
    expect([...hold.take(1e9)]).toEqual([]);
    expect(hold.lastUs).toBe(at(1).dtsUs);
  });

  it("goes on after the last picture at its frame rate, times strictly rising", () => {
    const { hold, reason, last } = begun();
    expect(reason).toBeUndefined();
    const taken = takeFor(hold, last.dtsUs, 10);
    const times = [last, ...taken].map(({ dtsUs }) => dtsUs);
    const steps = times.slice(1).map((us, i) => us - (times[i] ?? 0));
    expect(Math.max(...steps) - Math.min(...steps)).toBeLessThan(50);
    expect(steps[0]).toBeCloseTo(frameUs, -1);
    expect(taken).toHaveLength(300);
    expect(taken.every(({ ptsUs, dtsUs }) => ptsUs === dtsUs)).toBe(true);
    expect(hold.lastUs).toBe(times.at(-1));
  });

  it("keeps the camera's RTP clock going, over its end too", () => {
    const { hold, last } = begun();
    for (const { dtsUs, rtpTimestamp } of takeFor(hold, last.dtsUs, 3))
      expect(Math.abs(rtpTimestamp - dtsUs * 0.09)).toBeLessThan(60);
    const wrapping = new PictureHold();
    wrapping.note({ ...at(0), rtpTimestamp: 2 ** 32 - 100 });
    wrapping.begin(at(0));
    expect([...wrapping.take(40_000)].map(({ rtpTimestamp }) => rtpTimestamp)).toEqual([2900]);
  });

  it("shows the last IDR again exactly where a segment of two seconds is full, with its parameter sets", () => {
    const { hold, last } = begun();
    const idrs = takeFor(hold, last.dtsUs, 60).filter(({ keyframe }) => keyframe);
    expect(idrs.map(({ dtsUs }) => dtsUs)).toEqual(idrs.map((_, i) => (i + 1) * 2_000_000));
    expect(idrs).toHaveLength(30);
    for (const idr of idrs) expect(idr.nalus).toEqual(at(30).nalus);
  });

  it.for([10, 23.976, 25, 29.97, 50, 59.94])("fills whole segments at %f pictures a second", (fps) => {
    const hold = new PictureHold();
    const us = (index: number): number => Math.round((index * 1e6) / fps);
    for (let i = 0; i < 4.2 * fps; i += 1) hold.note({ ...at(i % 30), dtsUs: us(i), ptsUs: us(i) });
    const beganUs = hold.segmentEndUs - 2_000_000;
    hold.begin(at(0));
    const taken = takeFor(hold, hold.lastUs, 20);
    const idrs = taken.filter(({ keyframe }) => keyframe).map(({ dtsUs }) => dtsUs - beganUs);
    expect(idrs).toEqual(idrs.map((_, i) => (i + 1) * 2_000_000));
    const steps = taken.slice(1).map(({ dtsUs }, i) => dtsUs - (taken[i]?.dtsUs ?? 0));
    expect(Math.min(...steps)).toBeGreaterThan(0.4e6 / fps);
    expect(Math.max(...steps)).toBeLessThan(1.6e6 / fps);
  });

  it("shows the IDR at once where a segment is full already", () => {
    const hold = new PictureHold();
    for (const [i, second] of [0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4].entries())
      hold.note({ ...at(i), dtsUs: second * 1e6, ptsUs: second * 1e6 });
    hold.begin(at(0));
    const [first, ...others] = takeFor(hold, 2_400_000, 3);
    expect(first?.keyframe).toBe(true);
    const next = others.find(({ keyframe }) => keyframe);
    expect((next?.dtsUs ?? 0) - (first?.dtsUs ?? 0)).toBe(2_000_000);
  });

  it("counts segments of two seconds, however often the camera's IDR pictures come", () => {
    const hold = new PictureHold();
    const idrAt = (us: number): void => hold.note({ ...at(0), dtsUs: us, ptsUs: us });
    for (const second of [0, 1, 2, 3]) idrAt(second * 1e6);
    expect(hold.segmentEndUs).toBe(4_000_000);
    idrAt(3_999_700); // the camera's clock is a little fast
    expect(hold.segmentEndUs).toBe(5_999_700);
    idrAt(4_700_000); // asked for by PLI
    idrAt(6_700_000);
    expect(hold.segmentEndUs).toBe(8_700_000);
  });

  it("fills the time between with pictures of a few bytes that look like the last one", () => {
    const { hold, last } = begun();
    const skipped = takeFor(hold, last.dtsUs, 4).filter(({ keyframe }) => !keyframe);
    for (const { nalus, avcc } of skipped) {
      expect(nalus.map(typeOf)).toEqual([1]);
      expect(avcc.length).toBeLessThan(20);
      expect(Buffer.from(avcc).readUInt32BE(0)).toBe(avcc.length - 4);
    }
    expect(skipped.flatMap(({ nalus }) => nalus).every((nalu) => isSlice(typeOf(nalu)))).toBe(true);
  });

  it("is the IDR alone, once a second, where no such pictures can be made, and says why", () => {
    const hold = new PictureHold();
    hold.note(limited(0));
    expect(hold.begin(limited(0))).toBe("its pictures may be interlaced");
    const taken = takeFor(hold, 0, 5);
    expect(taken.map(({ dtsUs, keyframe }) => [dtsUs / 1e6, keyframe])).toEqual(
      [1, 2, 3, 4, 5].map((second) => [second, true]),
    );
  });

  it("is the IDR alone after a picture that is shown later than it is decoded", () => {
    const hold = new PictureHold();
    hold.note(at(0));
    hold.note({ ...at(1), ptsUs: at(1).ptsUs + frameUs });
    expect(hold.begin(at(0))).toMatch(/B-frames/);
    expect(takeFor(hold, at(1).dtsUs, 3)).toHaveLength(3);
  });

  it("is the IDR alone where pictures cannot go on from that IDR, which comes between them", () => {
    const longTerm = slice(0x65, (bits) => {
      for (const value of [0, 7, 0]) bits.unsignedExpGolomb(value);
      bits.unsigned(4, 0); // frame_num
      bits.unsignedExpGolomb(0); // idr_pic_id
      bits.unsigned(2, 1); // long_term_reference_flag
      bits.unsigned(32, 0x1234_5678);
    });
    const after = slice(0x41, (bits) => {
      for (const value of [0, 5, 0]) bits.unsignedExpGolomb(value);
      bits.unsigned(4, 1);
      bits.unsigned(2, 0);
      bits.flag(false);
      bits.unsigned(32, 0x1234_5678);
    });
    const idr = videoUnit([writeSps(), writePps(), longTerm], 0);
    const hold = new PictureHold();
    for (const unit of [idr, videoUnit([after], frameUs)]) hold.note(unit);
    expect(hold.begin(idr)).toBe("the last picture is a long-term reference");
    expect(takeFor(hold, frameUs, 4).every(({ keyframe }) => keyframe)).toBe(true);
  });

  it("does not make up for the time in which the machine slept", () => {
    const { hold, last } = begun();
    takeFor(hold, last.dtsUs, 1);
    const wokenUs = last.dtsUs + 3600e6;
    const taken = [...hold.take(wokenUs)];
    expect(taken.length).toBeLessThan(3);
    expect(taken[0]).toMatchObject({ keyframe: true });
    expect(takeFor(hold, wokenUs, 1).length).toBeLessThan(33);
    expect(hold.lastUs).toBeGreaterThan(wokenUs + 900_000);
  });

  it("follows the camera's frame rate, whatever pauses or bursts were between its pictures", () => {
    const hold = new PictureHold();
    let us = 0;
    for (let i = 0; i < 200; i += 1) hold.note({ ...at(0), dtsUs: (us += i % 50 === 0 ? 5e6 : 66_667) });
    expect(hold.frameUs).toBeCloseTo(66_667, -2);
    for (let i = 0; i < 20; i += 1) hold.note({ ...at(0), dtsUs: (us += 1) });
    expect(hold.frameUs).toBeCloseTo(66_667, -2);
  });
});

import { describe, expect, it } from "vitest";
import { Fault } from "../../../../src/domain/fault.ts";
import type { VideoUnit } from "../../../../src/domain/media.ts";
import type { StatusEvent } from "../../../../src/domain/status.ts";
import type { TranscodeTarget } from "../../../../src/domain/verdict.ts";
import { PicturePath } from "../../../../src/supervisor/session/picture-path.ts";
import { eventually } from "../../../helpers/eventually.ts";
import { createHandTranscoders } from "../../../helpers/parts.ts";
import type { HandTranscoder } from "../../../helpers/parts.ts";
import { pps, sps } from "../../../helpers/rtp.ts";
import { videoUnit } from "../../../helpers/units.ts";

const target: TranscodeTarget = { bitsPerSecond: 4e6, idrSeconds: 2, profile: "high" };

function setUp(options: { readonly canEncode?: boolean } = {}) {
  const { create, made } = createHandTranscoders();
  const life = new AbortController();
  const published: VideoUnit[] = [];
  const events: StatusEvent[] = [];
  const path = new PicturePath(
    {
      ...(options.canEncode !== false && { createTranscoder: create }),
      publish: (unit) => published.push(unit),
      gop: () => [],
      report: (event) => events.push(event),
    },
    life.signal,
  );
  const encoder = (index = 0): HandTranscoder => {
    const found = made[index];
    if (found === undefined) throw new Error(`There is no encoder ${index}.`);
    return found;
  };
  return {
    ...{ path, published, events, made, encoder },
    accept: (...units: VideoUnit[]) => units.forEach((unit) => path.accept(unit)),
    /** The first IDR pictures of an encoder are passed over while the camera's are copied. */
    emitBad: (index: number, count: number) => {
      for (let n = 0; n < count; n += 1) encoder(index).request.emit(encoded(-1, true));
    },
    emit: (index: number, ...units: VideoUnit[]) =>
      units.forEach((unit) => encoder(index).request.emit(unit)),
    paths: () => events.flatMap((event) => (event.type === "path" ? [event.path] : [])),
    [Symbol.dispose]: () => life.abort(),
  };
}

const idr = (ms: number): VideoUnit => videoUnit(ms, true);
const p = (ms: number): VideoUnit => videoUnit(ms);
const times = (units: readonly VideoUnit[]): number[] => units.map(({ dtsUs }) => dtsUs / 1000);
/** As an encoder gives them: another size, so that they can be told apart. */
const encoded = (ms: number, key = false): VideoUnit => videoUnit(ms, key, 50);
const isEncoded = (unit: VideoUnit): boolean => unit.avcc.length < 100;

describe("the path of the picture", () => {
  it("passes pictures on as they are, the same objects, until something else is said", () => {
    using line = setUp();
    const units = [idr(0), p(33), p(66)];
    line.accept(...units);
    expect(line.published).toEqual(units);
    expect(line.published[1]).toBe(units[1]);
    expect(line.path.path).toBe("copy");
    expect(line.made).toEqual([]);
  });

  it("goes over to the encoder at its first good IDR, and copies until then", () => {
    using line = setUp();
    line.accept(idr(0));
    line.path.setTarget(target);
    line.accept(p(33), p(66));
    line.emit(0, encoded(33));
    expect(line.published.some(isEncoded)).toBe(false);
    line.emitBad(0, 2);
    line.emit(0, encoded(66, true));
    line.accept(p(100));
    line.emit(0, encoded(100));
    expect(times(line.published)).toEqual([0, 33, 66, 66, 100]);
    expect(line.published.map(isEncoded)).toEqual([false, false, false, true, true]);
    expect(times(line.encoder().pushed)).toEqual([33, 66, 100]);
    expect(line.events).toEqual([
      {
        type: "path",
        path: "transcode",
        reason: "The picture is encoded anew with 4.00 Mbit/s; it was copied before.",
      },
    ]);
  });

  it("gives a new encoder the parameter sets that came before it, and the current GOP", () => {
    using line = setUp();
    line.accept(idr(0), p(33));
    line.path.setTarget(target);
    expect(line.encoder().request.parameterSets).toEqual({ sps, pps });
    line.accept(p(66), idr(100), p(133));
    expect(times(line.encoder().request.gop?.() ?? [])).toEqual([100, 133]);
  });

  it("makes the encoder of another rate before the first one is left", () => {
    using line = setUp();
    line.path.setTarget(target);
    line.accept(idr(0));
    line.emitBad(0, 2);
    line.emit(0, encoded(0, true));
    line.path.setRate(2e6);
    line.accept(p(33));
    line.emit(0, encoded(33));
    expect(line.encoder(0).running).toBe(1);
    line.emit(1, encoded(33, true));
    line.emit(0, encoded(66));
    line.accept(p(66));
    line.emit(1, encoded(66));
    expect(times(line.published.filter(isEncoded))).toEqual([0, 33, 33, 66]);
    expect(line.encoder(1).request.target).toEqual({ ...target, bitsPerSecond: 2e6 });
    expect(line.encoder(0).pushed).toHaveLength(2);
    expect(line.events.at(-1)).toMatchObject({
      reason: expect.stringContaining("encoded otherwise before"),
    });
  });

  it("ends the encoder that it has left", async () => {
    using line = setUp();
    line.path.setTarget(target);
    line.emitBad(0, 2);
    line.emit(0, encoded(0, true));
    line.path.setRate(2e6);
    line.emit(1, encoded(33, true));
    await eventually(() => line.encoder(0).running === 0);
    expect(line.encoder(1).running).toBe(1);
  });

  it.each([
    ["a little less", 3.5e6],
    ["a little more", 4.5e6],
  ])("makes no other encoder for %s", (_name, rate) => {
    using line = setUp();
    line.path.setTarget(target);
    line.path.setRate(rate);
    line.path.setTarget({ ...target, bitsPerSecond: rate });
    expect(line.made).toHaveLength(1);
  });

  it("makes no other encoder for one that takes another rate while it runs, however small the change", () => {
    using line = setUp();
    line.path.setTarget(target);
    line.accept(idr(0));
    line.emitBad(0, 2);
    line.emit(0, encoded(0, true));
    line.encoder().takesRates = true;
    line.path.setRate(2e6);
    line.path.setRate(2.1e6);
    expect(line.encoder().rates).toEqual([2e6, 2.1e6]);
    expect(line.made).toHaveLength(1);
    line.encoder().takesRates = false;
    line.path.setRate(4e6);
    expect(line.encoder(1).request.target).toEqual({ ...target, bitsPerSecond: 4e6 });
  });

  it("makes another encoder for another size", () => {
    using line = setUp();
    line.path.setTarget(target);
    line.path.setTarget({ ...target, width: 1280, height: 720 });
    expect(line.made).toHaveLength(2);
  });

  it("makes a smaller encoder for a board that is hot, and leaves the first one at its IDR", () => {
    using line = setUp();
    line.path.setTarget(target);
    line.accept(idr(0));
    line.emitBad(0, 2);
    line.emit(0, encoded(0, true));
    line.path.setStrain(1);
    line.path.setStrain(1);
    expect(line.made.map(({ request }) => request.strain)).toEqual([0, 1]);
    line.emit(0, encoded(33));
    line.emit(1, encoded(66, true));
    line.emit(0, encoded(66));
    expect(times(line.published.filter(isEncoded))).toEqual([0, 33, 66]);
    line.path.setRate(2e6);
    line.path.setStrain(0);
    expect(line.made.map(({ request }) => request.strain)).toEqual([0, 1, 1, 0]);
  });

  it("never touches a copy, however hot the board is", () => {
    using line = setUp();
    line.path.setStrain(3);
    line.accept(idr(0), p(33));
    expect(times(line.published)).toEqual([0, 33]);
    expect(line.made).toEqual([]);
    line.path.setTarget(target);
    expect(line.encoder().request.strain).toBe(3);
  });

  it("has no rate to set while it copies", () => {
    using line = setUp();
    line.path.setRate(2e6);
    expect(line.made).toEqual([]);
  });

  it("goes back at the camera's IDR, when what the encoder owes has come", async () => {
    using line = setUp();
    line.path.setTarget(target);
    line.accept(idr(0));
    line.emitBad(0, 2);
    line.emit(0, encoded(0, true));
    line.published.length = 0;
    line.path.setTarget(undefined);
    line.accept(p(33), p(66), idr(100), p(133));
    line.emit(0, encoded(33), encoded(66));
    expect(times(line.encoder().pushed)).toEqual([0, 33, 66]);
    line.encoder().settle();
    await eventually(() => line.path.path === "copy");
    line.accept(p(166));
    expect(times(line.published)).toEqual([33, 66, 100, 133, 166]);
    expect(line.published.map(isEncoded)).toEqual([true, true, false, false, false]);
    expect(line.paths()).toEqual(["transcode", "copy"]);
    await eventually(() => line.encoder().running === 0);
  });

  it("throws away an encoder that is not wanted any more before it has given anything", async () => {
    using line = setUp();
    line.path.setTarget(target);
    line.accept(idr(0), p(33));
    line.path.setTarget(undefined);
    line.emitBad(0, 2);
    line.emit(0, encoded(0, true));
    line.accept(p(66));
    expect(line.published.some(isEncoded)).toBe(false);
    expect(times(line.published)).toEqual([0, 33, 66]);
    await eventually(() => line.encoder().running === 0);
  });

  it("gives the next encoder nothing of a GOP that has gone by meanwhile", () => {
    using line = setUp();
    line.path.setTarget(target);
    line.accept(idr(0), p(33));
    line.path.setTarget(undefined);
    line.accept(p(66), p(100));
    line.path.setTarget(target);
    expect(line.encoder(1).request.gop?.()).toEqual([]);
    line.accept(p(133));
    expect(line.encoder(1).request.gop?.()).toEqual([]);
  });

  it("begins another encoder although one is just being left", async () => {
    using line = setUp();
    line.path.setTarget(target);
    line.accept(idr(0));
    line.emitBad(0, 2);
    line.emit(0, encoded(0, true));
    line.path.setTarget(undefined);
    line.accept(idr(33), p(66));
    line.path.setTarget(target);
    line.encoder(0).settle();
    await eventually(() => line.path.path === "copy");
    line.accept(p(100));
    expect(times(line.encoder(1).request.gop?.() ?? [])).toEqual([33, 66, 100]);
    line.emitBad(1, 2);
    line.emit(1, encoded(100, true));
    expect(line.path.path).toBe("transcode");
    expect(times(line.published)).toEqual([0, 0, 33, 66, 100, 100]);
  });

  it("goes on copying where there is no ffmpeg, and says so once", async () => {
    using line = setUp();
    line.path.setTarget(target);
    line.encoder().fail(new Fault("child-missing", "There is no ffmpeg."));
    await eventually(() => line.events.length > 0);
    line.accept(idr(0), p(33));
    expect(times(line.published)).toEqual([0, 33]);
    expect(line.events).toEqual([
      {
        type: "notice",
        part: "transcode",
        severity: "warning",
        text: "The picture cannot be encoded anew: There is no ffmpeg.",
      },
    ]);
  });

  it("goes on copying where nothing may be encoded", () => {
    using line = setUp({ canEncode: false });
    line.path.setTarget(target);
    line.accept(idr(0), p(33));
    expect(times(line.published)).toEqual([0, 33]);
  });

  it("starts an encoder that died again at once", async () => {
    using line = setUp();
    line.path.setTarget(target);
    line.emitBad(0, 2);
    line.emit(0, encoded(0, true));
    line.encoder().fail(new Fault("child-failed", "It died."));
    await eventually(() => line.events.some((event) => event.type === "notice"));
    await eventually(() => line.encoder().running === 1);
    expect(line.path.path).toBe("transcode");
  });

  it("copies again from the next IDR on when the encoder is gone for good, and tells it", async () => {
    using line = setUp();
    line.path.setTarget(target);
    line.accept(idr(0));
    line.emitBad(0, 2);
    line.emit(0, encoded(0, true));
    line.encoder().fail(new Fault("child-missing", "There is no ffmpeg any more."));
    await eventually(() => line.path.path === "copy");
    line.accept(p(33), idr(66), p(100));
    expect(times(line.published)).toEqual([0, 0, 66, 100]);
    expect(line.paths()).toEqual(["transcode", "copy"]);
  });

  it("ends its encoders with the session", async () => {
    const line = setUp();
    line.path.setTarget(target);
    line[Symbol.dispose]();
    await eventually(() => line.encoder().running === 0);
    expect(line.events).toEqual([]);
  });
});

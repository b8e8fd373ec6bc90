import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { AudioUnit, Unit, VideoUnit } from "../../../../src/domain/media.ts";
import type { StatusEvent } from "../../../../src/domain/status.ts";
import { nowUs } from "../../../../src/lib/clock.ts";
import { Hub } from "../../../../src/media/hub.ts";
import { Program } from "../../../../src/supervisor/session/program.ts";
import { unitsFromAnnexB } from "../../../helpers/publish.ts";

/** 90 pictures of a real stream, an IDR at 0, 30 and 60. */
let stream: readonly VideoUnit[] = [];

beforeAll(async () => {
  stream = await unitsFromAnnexB(join(import.meta.dirname, "../../../fixtures/openh264-160x96.h264"), 30);
});

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function setUp(holdMs = 60_000, cameraSends = false) {
  const hub = new Hub();
  const published: VideoUnit[] = [];
  const sounds: AudioUnit[] = [];
  const events: StatusEvent[] = [];
  const requestKeyframe = vi.fn<() => void>();
  const end = vi.spyOn(hub, "end");
  const publish = hub.publish.bind(hub);
  hub.publish = (unit: Unit): void => {
    publish(unit);
    if (unit.kind === "video") published.push(unit);
    else sounds.push(unit);
  };
  const program = new Program({
    hub,
    holdMs,
    requestKeyframe,
    cameraSends: () => cameraSends,
    report: (event) => events.push(event),
  });
  /** Publishes a picture of the stream that left the camera so many milliseconds ago. */
  const send = (index: number, lateMs = 0): void => {
    const unit = stream[index];
    if (unit === undefined) throw new Error(`There is no picture ${index}.`);
    const us = nowUs() - lateMs * 1000;
    program.publish({ ...unit, ptsUs: us, dtsUs: us, receivedUs: nowUs() });
  };
  return {
    ...{ hub, program, published, sounds, events, requestKeyframe, end, send },
    /** Publishes pictures at 30 a second. */
    play: (from: number, to: number, lateMs = 0): void => {
      for (let index = from; index < to; index += 1) {
        send(index, lateMs);
        vi.advanceTimersByTime(33);
      }
    },
    [Symbol.dispose]: () => program[Symbol.dispose](),
  };
}

function expectRising(units: readonly VideoUnit[]): void {
  for (const [i, { dtsUs, ptsUs }] of units.entries()) {
    expect(dtsUs).toBeGreaterThan(units[i - 1]?.dtsUs ?? Number.NEGATIVE_INFINITY);
    expect(ptsUs).toBeGreaterThanOrEqual(dtsUs);
  }
}

describe("the program", () => {
  it("publishes pictures as they come, the same objects, and counts them", () => {
    using line = setUp();
    line.play(0, 40);
    expect(line.published).toHaveLength(40);
    expect(line.events).toEqual([]);
  });

  it("bears pauses below half a second", () => {
    using line = setUp();
    line.play(0, 10);
    vi.advanceTimersByTime(450);
    line.play(10, 20);
    expect(line.events).toEqual([]);
  });

  it("shows the last picture again when none has come for half a second, without a gap", () => {
    using line = setUp();
    line.play(0, 45);
    vi.advanceTimersByTime(4000);
    expect(line.program.isHolding).toBe(true);
    expect(line.events).toEqual([
      { type: "hold", holding: true, reason: "The camera is away; its last picture goes on." },
    ]);
    const gaps = line.published.slice(1).map(({ dtsUs }, i) => dtsUs - (line.published[i]?.dtsUs ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(40_000);
    expect(nowUs() - (line.published.at(-1)?.dtsUs ?? 0)).toBeLessThan(350_000);
    expect(line.published.slice(45).some(({ keyframe }) => keyframe)).toBe(true);
  });

  it("waits for three pictures of a slow camera before it calls it away", () => {
    using line = setUp();
    for (let i = 0; i < 120; i += 1) {
      line.send(i % 30 === 0 ? 0 : 1);
      vi.advanceTimersByTime(400);
    }
    line.send(0);
    vi.advanceTimersByTime(900);
    expect(line.program.isHolding).toBe(false);
    vi.advanceTimersByTime(500);
    expect(line.program.isHolding).toBe(true);
  });

  it("drops the pictures that follow nothing the viewers have seen, and asks for an IDR", () => {
    using line = setUp();
    line.play(0, 45);
    vi.advanceTimersByTime(2000);
    const before = line.published.length;
    line.send(50);
    expect(line.published).toHaveLength(before);
    expect(line.program.isHolding).toBe(true);
    expect(line.requestKeyframe).toHaveBeenCalled();
  });

  it("goes on with the camera's IDR", () => {
    using line = setUp();
    line.play(0, 45);
    vi.advanceTimersByTime(2000);
    line.play(60, 75);
    expect(line.program.isHolding).toBe(false);
    expect(line.published.at(-15)?.nalus).toEqual(stream[60]?.nalus);
    expectRising(line.published);
    expect(line.events.at(-1)).toEqual({ type: "hold", holding: false, reason: "The picture is back." });
  });

  it("goes on where the held segment is full with an IDR that comes just before that, and all that follows", () => {
    using line = setUp();
    const startUs = nowUs();
    line.play(0, 45);
    vi.advanceTimersByTime(6000 - 45 * 33 - 21);
    line.play(60, 75);
    line.program.publishSound({ kind: "audio", ptsUs: nowUs(), codec: "aac", payload: Uint8Array.of(1) });
    expect(line.requestKeyframe).not.toHaveBeenCalled();
    const idrs = line.published.filter(({ keyframe }) => keyframe).map(({ dtsUs }) => dtsUs - startUs);
    expect(idrs).toEqual([0, 990_000, 2_000_000, 4_000_000, 6_000_000]);
    expect(line.published.at(-1)?.dtsUs).toBe(nowUs() - 33_000 + 21_000);
    expectRising(line.published);
    const gaps = line.published.slice(1).map(({ dtsUs }, i) => dtsUs - (line.published[i]?.dtsUs ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(55_000);
    expect(line.program.gop[0]).toMatchObject({ dtsUs: startUs + 6_000_000 - 21_000 }); // at the camera's time
    expect(line.sounds[0]?.ptsUs).toBeGreaterThan(nowUs());
  });

  it("asks for an IDR when the held segment is full that the camera's return has left in the middle", () => {
    using line = setUp();
    line.play(0, 45);
    vi.advanceTimersByTime(5000 - 45 * 33);
    line.play(60, 89);
    expect(line.published.at(-1)?.dtsUs).toBe(nowUs() - 33_000);
    expect(line.requestKeyframe).not.toHaveBeenCalled();
    line.play(61, 63);
    expect(line.requestKeyframe).not.toHaveBeenCalled();
    line.send(63);
    expect(line.requestKeyframe).toHaveBeenCalledOnce();
    line.send(60);
    line.play(61, 89);
    expect(line.requestKeyframe).toHaveBeenCalledOnce();
  });

  it("goes on with an IDR that was a while on its way, and never goes back in time", () => {
    using line = setUp();
    line.play(0, 45);
    vi.advanceTimersByTime(2000);
    line.play(60, 75, 150);
    expect(line.program.isHolding).toBe(false);
    expect(line.published.at(-1)?.dtsUs).toBe(nowUs() - 33_000 - 150_000);
    expectRising(line.published);
  });

  it("goes on with the camera's IDR however late it is, never going back in time", () => {
    using line = setUp();
    line.play(0, 45);
    vi.advanceTimersByTime(10_000);
    line.send(60, 8000);
    expect(line.program.isHolding).toBe(false);
    expectRising(line.published);
  });

  it("says that it is the encoder that hangs where the camera's pictures come", () => {
    using line = setUp(60_000, true);
    line.play(0, 45);
    vi.advanceTimersByTime(1000);
    expect(line.events).toEqual([
      {
        type: "hold",
        holding: true,
        reason: "The encoder gives no picture; the last picture goes on.",
      },
    ]);
  });

  it("holds again when the camera goes away again", () => {
    using line = setUp();
    line.play(0, 45);
    vi.advanceTimersByTime(2000);
    line.play(60, 62);
    vi.advanceTimersByTime(1000);
    expect(line.program.isHolding).toBe(true);
    expectRising(line.published);
    expect(line.events.map((event) => event.type === "hold" && event.holding)).toEqual([true, false, true]);
  });

  it("ends the broadcast when the camera was away for too long, and begins anew with its next IDR", () => {
    using line = setUp(6000);
    line.play(0, 45);
    vi.advanceTimersByTime(6000);
    expect(line.end).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    expect(line.end).toHaveBeenCalledOnce();
    expect(line.hub.hasPicture).toBe(false);
    expect(line.events.slice(1)).toEqual([
      { type: "hold", holding: false, reason: "No picture came for 0.1 min." },
      expect.objectContaining({ type: "notice", part: "hold" }),
    ]);
    const before = line.published.length;
    vi.advanceTimersByTime(10_000);
    expect(line.published).toHaveLength(before);
    line.play(60, 62);
    expect(line.hub.hasPicture).toBe(true);
  });

  it("says so when there is no IDR picture to hold", () => {
    using line = setUp();
    line.play(1, 10);
    vi.advanceTimersByTime(5000);
    expect(line.program.isHolding).toBe(false);
    expect(line.events).toEqual([
      expect.objectContaining({
        type: "notice",
        text: "The picture cannot be held: there is no IDR picture to hold it with.",
      }),
    ]);
  });

  it("holds nothing where that is not wanted", () => {
    using line = setUp(0);
    line.play(0, 45);
    vi.advanceTimersByTime(60_000);
    expect(line.published).toHaveLength(45);
    expect(line.events).toEqual([]);
  });

  it("leaves nothing running behind", () => {
    const line = setUp();
    line.play(0, 45);
    vi.advanceTimersByTime(2000);
    line[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves no gap before the camera's first picture, however late a busy machine was with the held ones", () => {
    using line = setUp();
    line.play(0, 10);
    vi.advanceTimersByTime(1000);
    expect(line.program.isHolding).toBe(true);
    line.send(30, -900); // as if the timer had not come for so long
    expect(line.program.isHolding).toBe(false);
    expectRising(line.published);
    const gaps = line.published.slice(1).map(({ dtsUs }, i) => dtsUs - (line.published[i]?.dtsUs ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(100_000);
  });
});

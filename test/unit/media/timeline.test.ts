import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Timeline } from "../../../src/media/timeline.ts";

const frame = 3000;
const frameUs = 100_000 / 3;

describe("Timeline", () => {
  it("begins at the arrival of the first picture and goes on by the camera's clock", () => {
    const timeline = new Timeline();
    expect(timeline.toSessionUs(5000, 1_000_000, false)).toBe(1_000_000);
    expect(timeline.toSessionUs(8000, 1_050_000, false)).toBe(1_033_333);
    expect(timeline.toSessionUs(11_000, 1_060_000, false)).toBe(1_066_667);
  });

  it("goes on over the 32-bit wrap as if there were none", () => {
    const timeline = new Timeline();
    const first = 2 ** 32 - 2 * frame;
    const times = Array.from({ length: 5 }, (_, i) =>
      timeline.toSessionUs((first + i * frame) >>> 0, Math.round(i * frameUs), false),
    );
    expect(times).toEqual([0, 33_333, 66_667, 100_000, 133_333]);
  });

  it("never goes back, whatever the timestamps, arrivals and restarts", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.nat(100_000), fc.boolean()), {
          maxLength: 60,
        }),
        (pictures) => {
          const timeline = new Timeline();
          let arrivalUs = 0;
          let last = -1;
          for (const [timestamp, waitUs, restarted] of pictures) {
            arrivalUs += waitUs;
            const us = timeline.toSessionUs(timestamp, arrivalUs, restarted);
            expect(us).toBeGreaterThan(last);
            last = us;
          }
        },
      ),
    );
  });

  it("joins a restarted camera on at its arrival, or one frame after the last picture if that is later", () => {
    const timeline = new Timeline();
    timeline.toSessionUs(0, 0, false);
    timeline.toSessionUs(frame, 33_000, false);
    expect(timeline.toSessionUs(900_000, 5_000_000, true)).toBe(5_000_000);
    expect(timeline.toSessionUs(77, 5_000_100, true)).toBe(5_033_333);
  });

  it("takes a jump of the camera's clock for a restart", () => {
    const timeline = new Timeline();
    timeline.toSessionUs(0, 0, false);
    expect(timeline.toSessionUs(90_000 * 60, 40_000, false)).toBe(40_000);
  });

  it("keeps within 10 ms of arrival over a day of a camera clock that is 200 ppm off", () => {
    for (const skew of [1.0002, 0.9998]) {
      const timeline = new Timeline();
      let worst = 0;
      for (let second = 0; second < 86_400; second += 1) {
        const us = timeline.toSessionUs(Math.round(second * 90_000 * skew) >>> 0, second * 1_000_000, false);
        worst = Math.max(worst, Math.abs(us - second * 1_000_000));
      }
      expect(worst).toBeLessThan(10_000);
    }
  });

  it("tells the time of a neighbouring timestamp without moving on", () => {
    const timeline = new Timeline();
    expect(timeline.peekUs(0)).toBeUndefined();
    timeline.toSessionUs(0, 1_000_000, false);
    expect(timeline.peekUs(-45_000 >>> 0)).toBe(500_000);
    expect(timeline.toSessionUs(frame, 1_000_000, false)).toBe(1_033_333);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TokenBucket } from "../../../../src/camera/spot/rate-limit.ts";

const secondUs = 1_000_000;

describe("TokenBucket", () => {
  it("lets a burst through and then says how long to wait", () => {
    const bucket = new TokenBucket(5, 120);
    expect([0, 0, 0, 0, 0].map(() => bucket.take(0))).toEqual([0, 0, 0, 0, 0]);
    expect(bucket.take(0)).toBe(500);
    expect(bucket.take(0.3 * secondUs)).toBe(200);
    expect(bucket.take(0.5 * secondUs)).toBe(0);
  });

  it("is full again after a rest and never fuller", () => {
    const bucket = new TokenBucket(2, 60);
    bucket.take(0);
    bucket.take(0);
    const later = 3600 * secondUs;
    expect([0, 0].map(() => bucket.take(later))).toEqual([0, 0]);
    expect(bucket.take(later)).toBeGreaterThan(0);
  });

  it("never lets more through than the burst and what came back in time", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 600 }),
        fc.array(fc.integer({ min: 0, max: 5 * secondUs }), { maxLength: 200 }),
        (burst, perMinute, pauses) => {
          const bucket = new TokenBucket(burst, perMinute);
          let now = 0;
          let taken = 0;
          for (const pause of pauses) {
            now += pause;
            if (bucket.take(now) === 0) taken += 1;
          }
          expect(taken).toBeLessThanOrEqual(burst + (now / (60 * secondUs)) * perMinute + 1e-6);
        },
      ),
    );
  });

  it("lets one through after the wait that it has told", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 0, max: 10_000 }), (perMinute, us) => {
        const bucket = new TokenBucket(1, perMinute);
        bucket.take(0);
        const waitMs = bucket.take(us);
        expect(bucket.take(us + waitMs * 1000)).toBe(0);
      }),
    );
  });
});

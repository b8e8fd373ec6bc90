import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { VideoUnit } from "../../../src/domain/media.ts";
import { PictureLedger } from "../../../src/transcode/picture-ledger.ts";
import { videoUnit } from "../../helpers/units.ts";

/** A picture that is decoded and shown at these microseconds. */
function unitAt(dtsUs: number, ptsUs = dtsUs): VideoUnit {
  return { ...videoUnit(0), dtsUs, ptsUs, rtpTimestamp: ptsUs >>> 0, receivedUs: dtsUs + 7 };
}

describe("PictureLedger", () => {
  it("begins at 0 and gives each picture its exact times back", () => {
    const ledger = new PictureLedger();
    const units = [0, 33_400, 66_499].map((us) => unitAt(9_876_543_210_987 + us));
    expect(units.map((unit) => ledger.enter(unit).ptsMs)).toEqual([0, 33, 66]);
    for (const [index, ms] of [0, 33, 66].entries()) {
      const { ptsUs, rtpTimestamp, receivedUs } = units[index] ?? unitAt(0);
      expect(ledger.strike(ms)).toEqual({ ptsUs, rtpTimestamp, receivedUs });
    }
    expect([ledger.units, ledger.bytes]).toEqual([0, 0]);
  });

  it("strictly rises, whatever the times of the source do, and never gives a time twice", () => {
    const us = fc.oneof(
      fc.integer({ min: -(10 ** 15), max: 10 ** 15 }),
      fc.integer({ min: 0, max: 100_000 }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(us, fc.integer({ min: -50_000, max: 200_000 })), { maxLength: 60 }),
        (times) => {
          const ledger = new PictureLedger();
          let last = -1;
          const shown = new Set<number>();
          for (const [dtsUs, laterUs] of times) {
            const { dtsMs, ptsMs } = ledger.enter(unitAt(dtsUs, dtsUs + laterUs));
            expect(dtsMs).toBeGreaterThan(last);
            expect(dtsMs - last).toBeLessThanOrEqual(10_001);
            expect(ptsMs).toBeGreaterThanOrEqual(dtsMs);
            expect(shown.has(ptsMs)).toBe(false);
            shown.add(ptsMs);
            last = dtsMs;
          }
        },
      ),
    );
  });

  it("shortens a long pause and a step back, and still finds the picture", () => {
    const ledger = new PictureLedger();
    const times = [1_000_000, 1_033_000, 90_000_000, 90_033_000, 5_000_000, 5_033_000];
    const given = times.map((us) => ledger.enter(unitAt(us)).ptsMs);
    expect(given).toEqual([0, 33, 1033, 1066, 1067, 1100]);
    expect(given.map((ms) => ledger.strike(ms).ptsUs)).toEqual(times);
  });

  it("takes for lost what should have been shown before the picture that came", () => {
    const ledger = new PictureLedger();
    const ms = (dts: number, pts: number): VideoUnit => unitAt(dts * 1000, pts * 1000);
    for (const unit of [ms(0, 40), ms(40, 160), ms(80, 80), ms(120, 120)]) ledger.enter(unit);
    expect(ledger.newestMs).toBe(160);
    expect(ledger.strike(80).ptsUs).toBe(80_000);
    expect([ledger.units, ledger.isSettledUpTo(80), ledger.isSettledUpTo(120)]).toEqual([2, true, false]);
    ledger.strike(160);
    expect([ledger.units, ledger.bytes, ledger.isSettledUpTo(160)]).toEqual([0, 0, true]);
  });

  it("has a good answer for a picture that was never entered", () => {
    const ledger = new PictureLedger();
    ledger.enter(unitAt(5_000_000));
    expect(ledger.strike(40)).toMatchObject({ ptsUs: 5_040_000, rtpTimestamp: 453_600 });
  });

  it("says before FLV's 31 bits of milliseconds are used up", () => {
    const ledger = new PictureLedger();
    const stepUs = 9_000_000;
    let steps = 0;
    for (; !ledger.isExhausted; steps += 1) ledger.strike(ledger.enter(unitAt(steps * stepUs)).ptsMs);
    expect(steps * 9000).toBeLessThan(2 ** 31);
    expect(steps * 9000).toBeGreaterThan(2 ** 31 - 700_000);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addSamples, keptMs, toColumns } from "../../../../src/web/model/samples.ts";
import type { Sample } from "../../../../src/domain/sample.ts";

const sampleAt = (t: number, fps = 30): Sample => ({
  ...{ t, fps, bitsPerSecond: 4_000_000, target: null, capacity: null, delayMs: null },
  ...{ droppedPerSecond: 0, lostPerSecond: 0, rttMs: null, temperature: null },
});
const timesOf = (samples: readonly Sample[]): number[] => samples.map(({ t }) => t);

describe("samples", () => {
  it("are joined in the order of their times, the newer of two at the same time kept", () => {
    const joined = addSamples([sampleAt(1000), sampleAt(2000)], [sampleAt(2000, 25), sampleAt(3000)]);
    expect(timesOf(joined)).toEqual([1000, 2000, 3000]);
    expect(joined[1]?.fps).toBe(25);
  });

  it("reach back ten minutes and no further", () => {
    const all = addSamples([sampleAt(0), sampleAt(1000)], [sampleAt(keptMs + 500)]);
    expect(timesOf(all)).toEqual([1000, keptMs + 500]);
  });

  it("are always in order, and never two of one time", () => {
    const times = fc.array(fc.integer({ min: 0, max: 2 * keptMs }));
    fc.assert(
      fc.property(times, times, (older, newer) => {
        const joined = timesOf(
          addSamples(
            addSamples(
              [],
              older.map((t) => sampleAt(t)),
            ),
            newer.map((t) => sampleAt(t)),
          ),
        );
        expect(joined).toEqual([...new Set(joined)].toSorted((a, b) => a - b));
      }),
    );
  });
});

describe("columns for a graph", () => {
  it("are empty for a moment where nothing was heard for a while", () => {
    const columns = toColumns([sampleAt(1000), sampleAt(2000), sampleAt(60_000)], [({ fps }) => fps]);
    expect(columns).toEqual([
      [1, 2, 3, 60],
      [30, 30, null, 30],
    ]);
  });
});

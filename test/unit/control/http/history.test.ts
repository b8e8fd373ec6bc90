import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createSampler, startHistory } from "../../../../src/control/http/history.ts";
import type { Sample } from "../../../../src/domain/sample.ts";
import type { Status } from "../../../../src/domain/status.ts";
import { fullStatus, idleStatus } from "./memory-line.ts";

function countedStatus(lostPackets: number, droppedUnits: number): Status {
  const counters = { ...fullStatus.source.counters, lostPackets, droppedUnits: 0 };
  const [output] = fullStatus.outputs;
  if (output === undefined) throw new Error("the full status has an output");
  const slow = { delayMs: 900, roundTripMs: 35, capacity: 1_000_000 };
  return {
    ...fullStatus,
    source: { ...fullStatus.source, counters },
    outputs: [
      { ...output, queue: { ...output.queue, droppedUnits } },
      { ...output, name: "other", queue: { ...output.queue, droppedUnits: 0 }, uplink: slow },
    ],
  };
}

describe("a sample of the line", () => {
  it("has the figures of the slowest way and of the hottest place", () => {
    expect(createSampler()(countedStatus(0, 0), 0, 5)).toEqual({
      ...{ t: 5, bitsPerSecond: 4_000_000, target: 4_000_000, capacity: 1_000_000, delayMs: 900 },
      ...{ fps: 29.9, droppedPerSecond: 0, lostPerSecond: 0, rttMs: 35, temperature: 77.5 },
    });
  });

  it("says of an idle line what is not known", () => {
    expect(createSampler()(idleStatus, 0, 5)).toEqual({
      ...{ t: 5, bitsPerSecond: 0, target: null, capacity: null, delayMs: null },
      ...{ fps: 0, droppedPerSecond: 0, lostPerSecond: 0, rttMs: null, temperature: null },
    });
  });

  it("turns what is counted into rates, also where a new session counts from nothing", () => {
    const sampler = createSampler();
    const rates = (
      [
        [10, 100, 0],
        [14, 100, 1],
        [14, 106, 4],
        [3, 1, 5],
      ] as const
    ).map(([lost, dropped, second]) => {
      const { lostPerSecond, droppedPerSecond } = sampler(countedStatus(lost, dropped), second * 1e6, 0);
      return [lostPerSecond, droppedPerSecond];
    });
    expect(rates).toEqual([
      [0, 0],
      [4, 0],
      [0, 2],
      [3, 1],
    ]);
  });
});

describe("the history", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("keeps ten minutes, one sample a second, and tells of each", () => {
    const controller = new AbortController();
    const history = startHistory(() => idleStatus, controller.signal);
    const told: Sample[] = [];
    history.subscribe((sample) => told.push(sample), controller.signal);
    vi.advanceTimersByTime(700_000);
    expect(history.samples).toHaveLength(600);
    expect(told.slice(-600)).toEqual(history.samples);
    const [first, second] = history.samples;
    expect((second?.t ?? 0) - (first?.t ?? 0)).toBe(1000);
    controller.abort();
    vi.advanceTimersByTime(5000);
    expect(told).toHaveLength(700);
    expect(vi.getTimerCount()).toBe(0);
  });
});

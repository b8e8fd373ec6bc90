import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FaultyNetwork } from "../../../../src/simulator/robot/network.ts";
import { Pacer } from "../../../../src/simulator/robot/pacer.ts";
import { CameraClock, startBeat } from "../../../../src/simulator/robot/camera-clock.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function sendThrough(faults: { lossPercent: number; reorderPercent: number }, seed: number, count: number) {
  const arrived: number[] = [];
  const network = new FaultyNetwork(faults, seed, (packet) => arrived.push(packet.readUInt16BE(0)));
  for (let number = 0; number < count; number++) network.send(Buffer.from([number >> 8, number & 255]));
  vi.advanceTimersByTime(100);
  return { arrived, lost: network.lost };
}

describe("the way to a viewer", () => {
  it("loses about what it is told to, and the same packets for the same seed", () => {
    const first = sendThrough({ lossPercent: 5, reorderPercent: 0 }, 3, 10_000);
    expect(first.lost).toBeGreaterThan(400);
    expect(first.lost).toBeLessThan(600);
    expect(first.arrived.length + first.lost).toBe(10_000);
    expect(sendThrough({ lossPercent: 5, reorderPercent: 0 }, 3, 10_000).arrived).toEqual(first.arrived);
    expect(sendThrough({ lossPercent: 5, reorderPercent: 0 }, 4, 10_000).arrived).not.toEqual(first.arrived);
  });

  it("reorders without losing, not even the last packet", () => {
    const { arrived, lost } = sendThrough({ lossPercent: 0, reorderPercent: 20 }, 1, 1000);
    expect(lost).toBe(0);
    expect(arrived).not.toEqual(arrived.toSorted((a, b) => a - b));
    expect(arrived.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, number) => number));
  });

  it("passes everything on at once when nothing is wrong", () => {
    expect(sendThrough({ lossPercent: 0, reorderPercent: 0 }, 1, 3).arrived).toEqual([0, 1, 2]);
  });
});

describe("the pacer", () => {
  it("sends everything at once as a burst", () => {
    const sent: number[] = [];
    new Pacer().send(4, 0, (index) => sent.push(index));
    expect(sent).toEqual([0, 1, 2, 3]);
  });

  it("spreads evenly, and lets what came before go first", () => {
    const sent: string[] = [];
    const pacer = new Pacer();
    pacer.send(3, 30, (index) => sent.push(`a${index}`));
    expect(sent).toEqual(["a0"]);
    pacer.send(1, 0, () => sent.push("b0"));
    vi.advanceTimersByTime(15);
    expect(sent).toEqual(["a0", "a1"]);
    vi.advanceTimersByTime(50);
    expect(sent).toEqual(["a0", "a1", "a2", "b0"]);
  });
});

describe("the camera's clock", () => {
  it("runs faster by its skew and does not jump when that changes", () => {
    const clock = new CameraClock(0);
    vi.advanceTimersByTime(1000);
    clock.skewPpm = 100_000;
    expect(clock.seconds).toBeCloseTo(1, 6);
    vi.advanceTimersByTime(1000);
    expect(clock.seconds).toBeCloseTo(2.1, 6);
    expect(clock.millisecondsUntil(3.2)).toBeCloseTo(1000, 3);
    expect(clock.millisecondsUntil(1)).toBe(0);
  });

  it("beats at its own pace until it is disposed", () => {
    const clock = new CameraClock(100_000);
    const beats: number[] = [];
    {
      using _beat = startBeat(clock, 10, (index) => beats.push(index));
      vi.advanceTimersByTime(1000);
    }
    vi.advanceTimersByTime(1000);
    expect(beats).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].slice(0, beats.length));
    expect([10, 11, 12]).toContain(beats.length);
  });
});

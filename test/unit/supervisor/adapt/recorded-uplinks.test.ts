import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runUplinkModel } from "../../../helpers/uplink-model.ts";
import type { ModelOptions, ModelTick } from "../../../helpers/uplink-model.ts";

/** What one TCP connection got through a real kernel's uplink that was shaped, cut or shared; see `record.ts` there. */
interface Recording {
  readonly everyMs: number;
  readonly bytes: readonly number[];
}

function replay(name: string, options: ModelOptions): readonly ModelTick[] {
  const file = new URL(`../../../fixtures/uplinks/${name}.json`, import.meta.url);
  const { everyMs, bytes } = JSON.parse(readFileSync(file, "utf8")) as Recording;
  const uplink = (seconds: number): number =>
    ((bytes[Math.floor((seconds * 1000) / everyMs)] ?? 0) * 8000) / everyMs;
  return runUplinkModel((bytes.length * everyMs) / 1000, uplink, { floor: 5e5, ...options });
}

const between = (ticks: readonly ModelTick[], from: number, to: number): readonly ModelTick[] =>
  ticks.filter(({ seconds }) => seconds >= from && seconds < to);
const mean = (ticks: readonly ModelTick[], of: (tick: ModelTick) => number): number =>
  ticks.reduce((sum, tick) => sum + of(tick), 0) / ticks.length;
const highest = (ticks: readonly ModelTick[], of: (tick: ModelTick) => number): number =>
  Math.max(...ticks.map(of));
/** The mean target as a share of what the line carried on average. */
const usedShare = (ticks: readonly ModelTick[]): number =>
  mean(ticks, ({ target }) => target) / mean(ticks, ({ capacity }) => capacity);

describe("the rate over a recorded uplink", () => {
  it("follows one that falls from 8 to 1.5 Mbit/s and rises again", () => {
    const ticks = replay("step", { roundTripMs: 2 });
    expect(highest(ticks, ({ ageMs }) => ageMs)).toBeLessThan(3000);
    expect(usedShare(between(ticks, 5, 20))).toBeGreaterThan(0.85);
    const slow = between(ticks, 25, 46);
    expect(usedShare(slow)).toBeGreaterThan(0.85);
    const isNear = ({ target }: ModelTick): boolean => Math.abs(target / 1.44e6 - 1) < 0.1;
    expect(slow.filter(isNear).length / slow.length).toBeGreaterThan(0.9);
    const back = ticks.find(({ seconds, target }) => seconds > 48 && target > 0.9 * 7.68e6);
    expect(back?.seconds).toBeLessThan(48 + 30);
  });

  it("gives way to another connection, and takes the line back", () => {
    const ticks = replay("shared", { roundTripMs: 2 });
    expect(highest(ticks, ({ ageMs }) => ageMs)).toBeLessThan(2000);
    expect(ticks.at(-1)?.droppedPictures).toBe(0);
    expect(usedShare(between(ticks, 20, 44))).toBeGreaterThan(0.7);
    expect(usedShare(between(ticks, 60, 75))).toBeGreaterThan(0.85);
  });

  it("is soon what it was after 1 s and after 5 s without a line", () => {
    const ticks = replay("cuts", { roundTripMs: 2 });
    expect(usedShare(between(ticks, 26, 33))).toBeGreaterThan(0.85);
    expect(usedShare(between(ticks, 54, 70))).toBeGreaterThan(0.85);
    expect(highest(between(ticks, 54, 70), ({ ageMs }) => ageMs)).toBeLessThan(500);
  });

  it("stays near the floor where lost packets leave hardly more than that", () => {
    const ticks = replay("lossy", { roundTripMs: 150 });
    expect(highest(between(ticks, 10, 60), ({ target }) => target)).toBeLessThan(1e6);
    expect(usedShare(between(ticks, 10, 60))).toBeGreaterThan(0.75);
    expect(mean(ticks, ({ ageMs }) => ageMs)).toBeLessThan(1500);
  });
});

import { describe, expect, it } from "vitest";
import { UplinkController } from "../../../../src/supervisor/adapt/controller.ts";
import { runUplinkModel } from "../../../helpers/uplink-model.ts";
import type { ModelTick, Uplink } from "../../../helpers/uplink-model.ts";

const between = (ticks: readonly ModelTick[], from: number, to: number): readonly ModelTick[] =>
  ticks.filter(({ seconds }) => seconds >= from && seconds < to);
const highest = (ticks: readonly ModelTick[], of: (tick: ModelTick) => number): number =>
  Math.max(...ticks.map(of));
const lowest = (ticks: readonly ModelTick[], of: (tick: ModelTick) => number): number =>
  Math.min(...ticks.map(of));
const target = (tick: ModelTick): number => tick.target;

/** 8 Mbit/s, 1.5 for 40 s, then 8 again, as a payload. */
const step: Uplink = (seconds) => (seconds < 10 || seconds >= 50 ? 7.68e6 : 1.44e6);
const constant =
  (rate: number): Uplink =>
  () =>
    rate;

describe("the rate that the uplink is given", () => {
  const stepped = runUplinkModel(100, step);

  it("falls below a smaller capacity within 2 s of 500 ms of queue", () => {
    const queued = stepped.find(({ seconds, ageMs }) => seconds >= 10 && ageMs > 500);
    const reacted = stepped.find(({ seconds, target }) => seconds >= 10 && target < 1.44e6);
    expect((reacted?.seconds ?? Infinity) - (queued?.seconds ?? 0)).toBeLessThan(2);
    expect(highest(stepped, ({ ageMs }) => ageMs)).toBeLessThan(3000);
  });

  it("is back at 90 % of a larger capacity within 30 s", () => {
    const back = stepped.find(({ seconds, target }) => seconds >= 50 && target >= 0.9 * 7.68e6);
    expect((back?.seconds ?? Infinity) - 50).toBeLessThan(30);
  });

  it.each([
    ["3 Mbit/s", 3e6, 20],
    ["1.44 Mbit/s", 1.44e6, 20],
    ["3 Mbit/s over 150 ms", 3e6, 150],
    ["2 Mbit/s over 400 ms", 2e6, 400],
  ])("stays within 10 %% of a steady %s", (_name, capacity, roundTripMs) => {
    const settled = between(runUplinkModel(120, constant(capacity), { roundTripMs }), 20, 120);
    expect(highest(settled, target)).toBeLessThan(capacity * 1.1);
    expect(lowest(settled, target)).toBeGreaterThan(capacity * 0.9);
    expect(settled.at(-1)?.droppedPictures).toBe(settled[0]?.droppedPictures);
  });

  it.each([
    ["1.44 Mbit/s, a half-second hole every 2.7 s", 1.44e6, (seconds: number) => seconds % 2.7 < 0.55],
    ["4 Mbit/s, a hole of 0.4 s every 1.9 s", 4e6, (seconds: number) => seconds % 1.9 < 0.4],
  ])("is not misled by lost packets: %s", (_name, capacity, hole) => {
    const settled = between(runUplinkModel(120, constant(capacity), { hole }), 20, 120);
    expect(highest(settled, target)).toBeLessThan(capacity * 1.16);
    expect(lowest(settled, target)).toBeGreaterThan(capacity * 0.84);
  });

  it("is misled but shortly by many lost packets that come again one by one", () => {
    const options = { hole: (seconds: number) => seconds % 11 < 0.9, holeShare: 0.4 };
    const settled = between(runUplinkModel(120, constant(1.44e6), options), 20, 120);
    const misled = settled.filter((tick) => target(tick) < 1.44e6 * 0.8);
    expect(misled.length / settled.length).toBeLessThan(0.15);
  });

  it("takes a sudden drop for what it is at once, however fast the line was a moment before", () => {
    const seconds = (tick: ModelTick | undefined): number => tick?.seconds ?? Infinity;
    const ticks = runUplinkModel(30, step, { hole: (seconds) => seconds % 2.7 < 0.55 });
    const below = seconds(ticks.find((tick) => tick.seconds >= 10 && tick.target < 1.44e6));
    expect(below - 10).toBeLessThan(2);
    expect(highest(between(ticks, below, 20), target)).toBeLessThan(1.44e6);
  });

  it("leaves what the line is seen to carry by little where there is little to drain", () => {
    expect(lowest(between(stepped, 0, 10), target)).toBeGreaterThan(7.68e6 * 0.88);
  });

  it.each([20, 150, 400])("stays at the ceiling where the uplink carries it, %i ms away", (roundTripMs) => {
    const ticks = runUplinkModel(120, constant(9e6), { roundTripMs });
    expect(lowest(ticks, target)).toBe(8e6);
  });

  it("comes back from a second without uplink within 5 s, with nothing dropped", () => {
    const ticks = runUplinkModel(60, (seconds) => (seconds >= 20 && seconds < 21 ? 0 : 9e6));
    expect(lowest(between(ticks, 26, 60), target)).toBe(8e6);
    expect(ticks.at(-1)?.droppedPictures).toBe(0);
  });

  it.each([1.2, 5, 30])("works off what %d s without uplink left, where the line can do so", (outage) => {
    const away = (seconds: number): boolean => seconds >= 20 && seconds < 20 + outage;
    const ticks = runUplinkModel(60 + outage, (seconds) => (away(seconds) ? 0 : 2.8e6), { ceiling: 2e6 });
    expect(lowest(ticks, target)).toBe(2e6);
    expect(ticks.at(-1)?.ageMs).toBeLessThan(200);
  });

  it("falls at once where the line is slower after a pause than before it", () => {
    const ticks = runUplinkModel(30, (seconds) => (seconds < 20 ? 9e6 : seconds < 20.8 ? 0 : 1.44e6));
    const lower = ticks.find(({ seconds, target }) => seconds >= 20 && target < 8e6);
    expect(lower?.seconds).toBeLessThan(21.6);
  });

  it.each([5, 30, 100])("learns nothing from %i s without uplink", (outage) => {
    const ticks = runUplinkModel(60 + outage, (seconds) =>
      seconds >= 20 && seconds < 20 + outage ? 0 : 3e6,
    );
    expect(lowest(between(ticks, 22, 20 + outage), target)).toBeGreaterThan(2.3e6);
    expect(lowest(between(ticks, 30 + outage, 60 + outage), target)).toBeGreaterThan(2.7e6);
  });

  it("drains what a bloated kernel queue holds, and then stays just below the line's rate", () => {
    const ticks = runUplinkModel(70, (seconds) => (seconds < 10 ? 20e6 : 1.5e6), { kernelBytes: 1_300_000 });
    expect(highest(between(ticks, 30, 70), ({ ageMs }) => ageMs)).toBeLessThan(500);
  });

  it("never leaves floor and ceiling, on a line that goes up and down all the time", () => {
    const wild: Uplink = (seconds) => 4e6 + 2.5e6 * Math.sin(seconds / 8) + 0.8e6 * Math.sin(seconds * 1.7);
    const ticks = runUplinkModel(240, wild, { floor: 1e6, ceiling: 5e6 });
    expect(lowest(ticks, target)).toBeGreaterThanOrEqual(1e6);
    expect(highest(ticks, target)).toBeLessThanOrEqual(5e6);
    expect(highest(ticks, ({ ageMs }) => ageMs)).toBeLessThan(3000);
  });

  it("bears a camera that follows late", () => {
    const ticks = runUplinkModel(100, step, { cameraLagMs: 2500 });
    const back = ticks.find(({ seconds, target }) => seconds >= 50 && target >= 0.9 * 7.68e6);
    expect((back?.seconds ?? Infinity) - 50).toBeLessThan(35);
  });
});

describe("the view of one destination", () => {
  const moment = (ms: number, waitingBytes: number, deliveredBytes: number) => ({
    ...{ atUs: ms * 1000, waitingBytes, deliveredBytes },
    roundTripMs: 20,
  });
  const range = { floor: 4e5, ceiling: 8e6 };

  it("calls a line hung when something waits and nothing arrives for a second, and keeps the rate", () => {
    const controller = new UplinkController();
    for (let ms = 0; ms < 5000; ms += 250) controller.next(moment(ms, 10_000, ms * 1000), 8e6, range);
    expect(controller.view.hung).toBe(false);
    for (let ms = 5000; ms <= 9000; ms += 250)
      expect(controller.next(moment(ms, (ms - 4750) * 1000, 4_750_000), 8e6, range)).toBe(8e6);
    expect(controller.view.hung).toBe(true);
  });

  it("never calls an idle line hung", () => {
    const controller = new UplinkController();
    for (let ms = 0; ms < 9000; ms += 250) controller.next(moment(ms, 0, 5000), 0, range);
    expect(controller.view).toMatchObject({ hung: false, delayMs: 0 });
  });

  it("obeys a lowered ceiling at once, and never goes above it again", () => {
    const controller = new UplinkController();
    const idle = (ms: number, ceiling: number) =>
      controller.next(moment(ms, 0, ms * 1000), ceiling, { floor: 4e5, ceiling });
    expect(idle(0, 8e6)).toBe(8e6);
    for (let ms = 250; ms < 60_000; ms += 250) expect(idle(ms, 2e6)).toBe(2e6);
    expect(idle(61_000, 8e6)).toBe(8e6);
  });
});

import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Unit } from "../../../src/domain/media.ts";
import { Hub } from "../../../src/media/hub.ts";
import { videoUnit } from "../../helpers/units.ts";

const limits = { bytes: 1_000_000, milliseconds: 3000 };
const noHooks = { wantKeyframe() {}, onBegin() {} };

async function take(units: AsyncIterable<Unit>, count: number): Promise<number[]> {
  const times: number[] = [];
  for await (const unit of units) {
    times.push(unit.ptsUs / 1000);
    if (times.length === count) break;
  }
  return times;
}

describe("Hub", () => {
  it("gives a reader that joins in the middle the current GOP first", async () => {
    const hub = new Hub();
    for (const unit of [videoUnit(0, true), videoUnit(33), videoUnit(66, true), videoUnit(99)])
      hub.publish(unit);
    const reader = take(hub.subscribe(limits, noHooks), 3);
    hub.publish(videoUnit(133));
    expect(await reader).toEqual([66, 99, 133]);
  });

  it("makes a reader wait for the next keyframe, and asks for one, when the GOP is too long to catch up with", async () => {
    const hub = new Hub();
    let wanted = 0;
    hub.publish(videoUnit(0, true));
    hub.publish(videoUnit(5000));
    const reader = take(hub.subscribe(limits, { ...noHooks, wantKeyframe: () => (wanted += 1) }), 2);
    hub.publish(videoUnit(5033));
    hub.publish(videoUnit(5066, true));
    hub.publish(videoUnit(5099));
    expect(await reader).toEqual([5066, 5099]);
    expect(wanted).toBe(1);
  });

  it("lets a reader that hangs harm nobody, drops its tail and counts it", async () => {
    const hub = new Hub();
    let wanted = 0;
    const hanging = hub.subscribe(limits, { ...noHooks, wantKeyframe: () => (wanted += 1) });
    hub.publish(videoUnit(0, true));
    const iterator = hanging[Symbol.asyncIterator]();
    await iterator.next();
    const healthy = take(hub.subscribe(limits, noHooks), 11);
    for (let i = 1; i <= 10; i += 1) {
      hub.publish(videoUnit(i * 500));
      await setImmediate();
    }
    expect(await healthy).toEqual([0, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000]);
    expect(hanging.counters).toMatchObject({ units: 0, droppedUnits: 10 });
    expect(wanted).toBeGreaterThan(0);
    hub.publish(videoUnit(5500, true));
    expect((await iterator.next()).value).toMatchObject({ ptsUs: 5_500_000 });
    await iterator.return?.(undefined);
  });

  it("keeps counting drops over the reconnections of one reader", async () => {
    const hub = new Hub();
    const subscription = hub.subscribe(limits, noHooks);
    for (let round = 0; round < 2; round += 1) {
      hub.publish(videoUnit(round * 10_000, true));
      const iterator = subscription[Symbol.asyncIterator]();
      await iterator.next();
      for (let i = 1; i <= 10; i += 1) hub.publish(videoUnit(round * 10_000 + i * 500));
      await iterator.return?.(undefined);
    }
    expect(subscription.counters.droppedUnits).toBe(20);
  });

  it("gives readers what waits when it is ended, and begins anew with the next keyframe", async () => {
    const hub = new Hub();
    hub.publish(videoUnit(0, true));
    const subscription = hub.subscribe(limits, noHooks);
    const reader = take(subscription, 9);
    hub.publish(videoUnit(33));
    hub.end();
    hub.publish(videoUnit(66));
    expect(await reader).toEqual([0, 33]);
    expect(hub.hasPicture).toBe(false);
    expect(hub.keyframe).toBeUndefined();
    const again = take(subscription, 1);
    hub.publish(videoUnit(99));
    hub.publish(videoUnit(133, true));
    expect(await again).toEqual([133]);
  });

  it("says that a reader has begun only when it iterates", async () => {
    const hub = new Hub();
    let begun = 0;
    const subscription = hub.subscribe(limits, { ...noHooks, onBegin: () => (begun += 1) });
    hub.publish(videoUnit(0, true));
    expect(begun).toBe(0);
    await take(subscription, 1);
    expect(begun).toBe(1);
  });

  it("tells who waits for a picture to begin with, and does not hold who gives up", async () => {
    const hub = new Hub();
    const life = new AbortController();
    const waiting = hub.untilPicture(new AbortController().signal);
    const givenUp = hub.untilPicture(life.signal);
    life.abort();
    await givenUp;
    hub.publish(videoUnit(0, true));
    await waiting;
    await hub.untilPicture(new AbortController().signal);
  });
});

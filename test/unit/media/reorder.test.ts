import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReorderWindow } from "../../../src/media/reorder.ts";
import { packetOf } from "../../helpers/rtp.ts";

const options = { windowUs: 120_000, tries: 3, retryUs: 20_000 };

function collect() {
  const got: { index: number; gap: boolean; ssrc: number }[] = [];
  const order = new ReorderWindow(options, (packet, gap) =>
    got.push({ index: packet.index, gap, ssrc: packet.ssrc }),
  );
  const push = (index: number, nowUs = 0, ssrc = 1): void =>
    order.push(packetOf(Buffer.from([1]), { index, ssrc }), nowUs);
  return { got, order, push, indexes: () => got.map(({ index }) => index) };
}

describe("ReorderWindow", () => {
  it("hands packets on in order whatever order they come in, without a gap", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 200_000 }),
        fc.array(fc.nat(20), { minLength: 1, maxLength: 80 }),
        (first, delays) => {
          const { got, push, indexes } = collect();
          push(first);
          const arrivals = delays.map((delay, i) => ({ index: first + 1 + i, at: i + delay }));
          for (const { index } of arrivals.toSorted((a, b) => a.at - b.at)) push(index);
          expect(indexes()).toEqual(Array.from({ length: delays.length + 1 }, (_, i) => first + i));
          expect(got.some(({ gap }) => gap)).toBe(false);
        },
      ),
    );
  });

  it("delivers every packet at most once, in rising order, and accounts for every missing one", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { minLength: 1, maxLength: 120 }), (sent) => {
        const { order, push, indexes } = collect();
        for (const [i, index] of sent.entries()) push(index, i * 1000);
        order.poll(10_000_000);
        const delivered = indexes();
        expect(delivered).toEqual([...new Set(delivered)].toSorted((a, b) => a - b));
        const [lowest, highest] = [delivered[0] ?? 0, delivered.at(-1) ?? 0];
        expect(order.counters.lost).toBe(highest - lowest + 1 - delivered.length);
        expect(order.counters.received).toBe(delivered.length + order.counters.discarded);
        expect(order.isWaiting).toBe(false);
      }),
    );
  });

  it("asks for a missing packet at once, again after the retry time, and no more than the allowed tries", () => {
    const { order, push } = collect();
    push(10);
    push(13);
    expect(order.poll(0)).toEqual([11, 12]);
    expect(order.poll(10_000)).toEqual([]);
    expect(order.poll(20_000)).toEqual([11, 12]);
    expect(order.poll(40_000)).toEqual([11, 12]);
    expect(order.poll(60_000)).toEqual([]);
  });

  it("counts a packet that came after it was asked for as recovered", () => {
    const { order, push, indexes } = collect();
    push(10);
    push(12);
    order.poll(0);
    push(11);
    expect(indexes()).toEqual([10, 11, 12]);
    expect(order.counters).toMatchObject({ recovered: 1, lost: 0 });
  });

  it("gives up after the window and marks the gap on the next packet only", () => {
    const { got, order, push } = collect();
    push(10);
    push(12);
    push(13);
    order.poll(120_000);
    expect(got).toEqual([
      { index: 10, gap: false, ssrc: 1 },
      { index: 12, gap: true, ssrc: 1 },
      { index: 13, gap: false, ssrc: 1 },
    ]);
    expect(order.counters.lost).toBe(1);
  });

  it("begins anew with a gap when the SSRC changes", () => {
    const { got, order, push } = collect();
    push(100);
    push(5, 0, 2);
    push(6, 0, 2);
    expect(got.slice(1)).toEqual([
      { index: 5, gap: true, ssrc: 2 },
      { index: 6, gap: false, ssrc: 2 },
    ]);
    expect(order.counters.restarts).toBe(1);
  });

  it("takes a far jump for a restart only when a second packet confirms it", () => {
    const { order, push, indexes } = collect();
    push(100);
    push(60_000);
    push(101);
    expect(indexes()).toEqual([100, 101]);
    push(60_001);
    push(60_002);
    expect(indexes()).toEqual([100, 101, 60_002]);
    expect(order.counters.restarts).toBe(1);
  });

  it("does not ask for what a long outage swallowed", () => {
    const { got, order, push } = collect();
    push(100);
    push(1000);
    expect(order.poll(0)).toEqual([]);
    expect(got.at(-1)).toEqual({ index: 1000, gap: true, ssrc: 1 });
    expect(order.counters.lost).toBe(899);
  });
});

import { describe, expect, it } from "vitest";
import { ReceptionStatistics } from "../../../src/media/reception.ts";

describe("ReceptionStatistics", () => {
  it("has nothing to report before the first packet", () => {
    expect(new ReceptionStatistics(90_000).report()).toBeUndefined();
  });

  it("reports the share lost since the last report and the total since the beginning", () => {
    const statistics = new ReceptionStatistics(90_000);
    for (let i = 0; i < 100; i += 1) if (i % 10 !== 5) statistics.add(1000 + i, i * 100, i * 1111);
    expect(statistics.report()).toMatchObject({ packetsLost: 10, fractionLost: 25, highestSequence: 1099 });
    for (let i = 100; i < 200; i += 1) statistics.add(1000 + i, i * 100, i * 1111);
    expect(statistics.report()).toMatchObject({ packetsLost: 10, fractionLost: 0, highestSequence: 1199 });
  });

  it("finds no jitter in a steady stream and finds it in an unsteady one", () => {
    const steady = new ReceptionStatistics(90_000);
    const unsteady = new ReceptionStatistics(90_000);
    for (let i = 0; i < 200; i += 1) {
      steady.add(i, i * 900, i * 10_000);
      unsteady.add(i, i * 900, i * 10_000 + (i % 2) * 5000);
    }
    expect(steady.report()?.jitter).toBe(0);
    expect(unsteady.report()?.jitter).toBeGreaterThan(400);
  });
});

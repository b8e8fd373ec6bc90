import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeLevel, worstLevel } from "../../../src/boards/health-level.ts";
import type { HealthLevel } from "../../../src/domain/health.ts";

const hot = { bad: "above", warn: 75, critical: 80, hysteresis: 3 } as const;
const weak = { bad: "below", warn: 4.75, critical: 4.6, hysteresis: 0.05 } as const;

describe("the level of a value", () => {
  it.each([
    [74.9, "ok", "ok"],
    [75, "ok", "warning"],
    [72.1, "warning", "warning"],
    [72, "warning", "ok"],
    [80, "warning", "critical"],
    [77.1, "critical", "critical"],
    [77, "critical", "warning"],
    [72.1, "critical", "warning"],
    [60, "critical", "ok"],
  ] as const)("of %d °C after %s is %s", (value, before, level) => {
    expect(judgeLevel(value, hot, before)).toBe(level);
  });

  it.each([
    [4.76, "ok", "ok"],
    [4.75, "ok", "warning"],
    [4.79, "warning", "warning"],
    [4.81, "warning", "ok"],
    [4.6, "warning", "critical"],
    [4.64, "critical", "critical"],
    [4.66, "critical", "warning"],
  ] as const)("of %d V after %s is %s", (value, before, level) => {
    expect(judgeLevel(value, weak, before)).toBe(level);
  });

  it("changes at most once while a value trembles within the hysteresis", () => {
    const trembling = fc.array(fc.double({ min: 73.6, max: 76.4, noNaN: true }), { maxLength: 50 });
    fc.assert(
      fc.property(trembling, (values) => {
        let [level, changes]: [HealthLevel, number] = ["ok", 0];
        for (const value of values) {
          const next = judgeLevel(value, hot, level);
          if (next !== level) changes += 1;
          level = next;
        }
        expect(changes).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("of many is the worst that is known", () => {
    expect(worstLevel(["ok", "unknown", "warning"])).toBe("warning");
    expect(worstLevel(["unknown"])).toBe("unknown");
    expect(worstLevel([])).toBe("unknown");
  });
});

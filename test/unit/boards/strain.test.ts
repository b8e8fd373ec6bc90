import { describe, expect, it } from "vitest";
import { nextStrain, noStrain, stressOf } from "../../../src/boards/strain.ts";
import type { Strain, Stress, StressSign } from "../../../src/boards/strain.ts";

const heat = (value: number, level: StressSign["level"] = "ok"): StressSign => ({
  kind: "temperature",
  ...{ level, value, warn: 75, isNow: level === "warning" || level === "critical" },
});
const throttling = (isNow: boolean): StressSign => ({
  kind: "throttling",
  ...{ level: "warning", value: isNow ? 2 : 1, warn: 1, isNow },
});

describe("stress", () => {
  it.each([
    ["a cool board", [heat(50)], "calm"],
    ["nothing that is known", [], "calm"],
    ["eight degrees below the warning", [heat(67)], "calm"],
    ["less than that", [heat(67.1)], "settling"],
    ["the hottest sensor", [heat(40), heat(76, "warning")], "hot"],
    ["the critical temperature", [heat(81, "critical")], "throttled"],
    ["a flag that is set now", [heat(50), throttling(true)], "throttled"],
    ["a flag that was set since power-on", [heat(50), throttling(false)], "calm"],
    [
      "a sensor that went away",
      [heat(50), { kind: "temperature", level: "unknown", warn: 75, isNow: false }],
      "calm",
    ],
    ["a full disk", [{ kind: "disk", level: "critical", value: 1, warn: 256, isNow: true }], "calm"],
    ["a weak supply", [{ kind: "undervoltage", level: "critical", value: 2, warn: 1, isNow: true }], "calm"],
  ] as const satisfies readonly (readonly [string, readonly StressSign[], Stress])[])(
    "of %s",
    (_, signs, stress) => {
      expect(stressOf(signs)).toBe(stress);
    },
  );
});

/** Runs through spans of one stress each, judged every 10 s, and gives the steps at the end of each span. */
function play(spans: readonly (readonly [stress: Stress, seconds: number])[]): readonly number[] {
  let [strain, nowUs]: [Strain, number] = [noStrain, 0];
  return spans.map(([stress, seconds]) => {
    for (let passed = 0; passed < seconds; passed += 10) {
      strain = nextStrain(strain, stress, nowUs);
      nowUs += 10_000_000;
    }
    return strain.steps;
  });
}

describe("strain", () => {
  it.each([
    ["stays 0 on a cool board", [["calm", 3600]], [0]],
    [
      "steps down at once when it is hot, and no further",
      [
        ["hot", 10],
        ["hot", 600],
      ],
      [1, 1],
    ],
    [
      "steps on every 30 s while it is throttled, to the third step",
      [
        ["throttled", 10],
        ["throttled", 20],
        ["throttled", 10],
        ["throttled", 600],
      ],
      [1, 1, 2, 3],
    ],
    [
      "steps back only after two calm minutes",
      [
        ["hot", 10],
        ["calm", 120],
        ["calm", 10],
      ],
      [1, 1, 0],
    ],
    [
      "begins the two minutes anew when it was warm in between",
      [
        ["hot", 10],
        ["calm", 110],
        ["settling", 10],
        ["calm", 120],
        ["calm", 10],
      ],
      [1, 1, 1, 1, 0],
    ],
    [
      "goes back one step at a time",
      [
        ["throttled", 100],
        ["calm", 130],
        ["calm", 120],
        ["calm", 120],
      ],
      [3, 2, 1, 0],
    ],
    [
      "waits while it is neither",
      [
        ["hot", 10],
        ["settling", 3600],
      ],
      [1, 1],
    ],
    [
      "waits twice as long after a step back that was too early",
      [
        ["hot", 10],
        ["calm", 130],
        ["hot", 10],
        ["calm", 130],
        ["calm", 110],
        ["calm", 10],
      ],
      [1, 0, 1, 1, 1, 0],
    ],
    [
      "forgets that after so long a calm",
      [
        ["hot", 10],
        ["calm", 130],
        ["hot", 10],
        ["calm", 800],
        ["hot", 10],
        ["calm", 130],
      ],
      [1, 0, 1, 0, 1, 0],
    ],
  ] as const satisfies readonly (readonly [
    string,
    readonly (readonly [Stress, number])[],
    readonly number[],
  ])[])("%s", (_, spans, steps) => {
    expect(play(spans)).toEqual(steps);
  });

  it("never waits longer than 32 minutes", () => {
    let [strain, nowUs]: [Strain, number] = [noStrain, 0];
    for (let round = 0; round < 20; round += 1) {
      strain = nextStrain(strain, "hot", (nowUs += 1_000_000));
      while (strain.steps > 0) strain = nextStrain(strain, "calm", (nowUs += 10_000_000));
    }
    expect(strain.patienceUs).toBe(1_920_000_000);
  });
});

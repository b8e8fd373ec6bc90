import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  chooseUplink,
  judge,
  newHealth,
  pauseMs,
  usualPolicy,
} from "../../../../src/device/uplinks/health.ts";
import type { Health, HealthPolicy } from "../../../../src/device/uplinks/health.ts";

const policy: HealthPolicy = {
  ...{ everyMs: 5, standbyMs: 30, againMs: 1, failures: 2, trialMs: 30, longestTrialMs: 100 },
};

/** One character a millisecond: `+` an answer, `-` none, `.` nothing asked. */
function after(story: string, from = newHealth(policy)): Health {
  return Array.from(story).reduce(
    (health, sign, nowMs) => (sign === "." ? health : judge(health, sign === "+", nowMs, policy)),
    from,
  );
}
const long = (sign: string, count: number): string => sign.repeat(count);

describe("an uplink is", () => {
  it.each([
    ["unknown before anything was asked", "", "unknown"],
    ["unknown after one question without an answer", "-", "unknown"],
    ["sick after two", "--", "sick"],
    ["well after one answer", "+", "well"],
    ["well after one question without an answer", "+++-", "well"],
    ["well when failures never follow each other", "+-+-+-", "well"],
    ["sick when two do", "+++--", "sick"],
    ["sick still when it begins to answer", "+--+", "sick"],
    ["sick still just before it has answered for long enough", `+--${long("+", 30)}`, "sick"],
    ["well when it has answered for long enough", `+--${long("+", 31)}`, "well"],
    ["sick still when one answer is missing in that time", `+--${long("+", 20)}-${long("+", 20)}`, "sick"],
    ["well when the time was quiet but for first and last answer", `+--+${long(".", 29)}+`, "well"],
  ])("%s", (_, story, verdict) => {
    expect(after(story).verdict).toBe(verdict);
  });

  it("watched for twice as long each time that it was trusted too early, up to a limit", () => {
    const fall = `--${long("+", 31)}`;
    expect(after("--").trialMs).toBe(30);
    expect(after(`${fall}--`).trialMs).toBe(60);
    const twice = `${fall}--${long("+", 61)}--`;
    expect(after(twice).trialMs).toBe(100);
  });

  it("watched for the usual time again when it was well for long", () => {
    const fall = `--${long("+", 31)}--${long("+", 61)}`;
    expect(after(`${fall}${long("+", 100)}--`).trialMs).toBe(30);
  });

  it("never well after it was sick without answers for all of the trial", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("+", "-"), { maxLength: 200 }), (signs) => {
        let [health, silentAt] = [newHealth(policy), -1];
        for (const [nowMs, sign] of signs.entries()) {
          const before = health;
          health = judge(health, sign === "+", nowMs, policy);
          if (sign === "-") silentAt = nowMs;
          if (before.verdict === "sick" && health.verdict === "well")
            expect(nowMs - silentAt).toBeGreaterThan(policy.trialMs);
        }
      }),
    );
  });
});

describe("the next question", () => {
  it.each([
    ["over the one in use", "+", true, policy.everyMs],
    ["over one that waits its turn", "+", false, policy.standbyMs],
    ["after one without an answer", "+-", true, policy.againMs],
    ["after one without an answer, over one that waits", "+-", false, policy.againMs],
    ["over a sick one", "--", false, policy.everyMs],
  ])("%s comes in its time", (_, story, isInUse, pause) => {
    expect(pauseMs(after(story), isInUse, policy)).toBe(pause);
  });

  it("finds a dead uplink within 9 s with the usual times", () => {
    const connectMs = 2000;
    expect(usualPolicy.everyMs + usualPolicy.againMs + usualPolicy.failures * connectMs).toBeLessThan(9000);
  });
});

describe("the traffic goes over", () => {
  const stories = { well: "+", sick: "--", unknown: "" };
  it.each([
    ["the most wanted one", ["well", "well"], undefined, "0"],
    ["the next one when that is sick", ["sick", "well", "well"], "0", "1"],
    ["the most wanted one again as soon as it is well", ["well", "well"], "1", "0"],
    ["one that is well rather than one that has just come", ["unknown", "well"], "1", "1"],
    ["one that has just come rather than a sick one", ["sick", "unknown"], "0", "1"],
    ["the one it is on when all are sick", ["sick", "sick"], "1", "1"],
    ["the most wanted one when all are sick and the one in use has gone", ["sick", "sick"], "7", "0"],
    ["none when there is none", [], "0", undefined],
  ] as const)("%s", (_, verdicts, inUse, expected) => {
    const candidates = verdicts.map((verdict, index) => ({
      ...{ name: String(index), health: after(stories[verdict]) },
    }));
    expect(chooseUplink(candidates, inUse)).toBe(expected);
  });
});

import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { HealthItem } from "../../../../src/domain/health.ts";
import { boardChecks, judgeHealth, recognise } from "../../../../src/verbs/doctor/board-checks.ts";
import { fakeContext, findingOf } from "../../../helpers/doctor.ts";

function checksOf(board: string) {
  const context = fakeContext({ directory: resolve("test/fixtures/boards", board) });
  return boardChecks(context, recognise(context, new AbortController().signal));
}

describe("a board that is known by its files", () => {
  it.each([
    ["jetson-nano", "processor: ", "ok"],
    ["jetson-nano-2gb", "processor: ", "warning"],
    ["jetson-orin-nano", "junction: ", "ok"],
    ["raspberry-pi-3", "processor: ", "wrong"],
    ["raspberry-pi-4", "processor: ", "ok"],
    ["raspberry-pi-5", "processor: ", "ok"],
    ["x86-vaapi", "processor package: ", "ok"],
  ])("%s is named, and its heat and power are read", async (board, temperature, power) => {
    const checks = checksOf(board);
    expect((await findingOf(checks, "board")).evidence).toContain(`profile ${board},`);
    expect((await findingOf(checks, "health", "temperature")).evidence).toContain(temperature);
    expect((await findingOf(checks, "health", "power-supply")).verdict).toBe(power);
    expect(await findingOf(checks, "chains")).toMatchObject({
      verdict: "unknown",
      evidence: expect.stringContaining("they can only be tried on the board"),
    });
  });
});

describe("health", () => {
  it("is wrong where a value is critical, with its advice once", () => {
    const item: Omit<HealthItem, "name"> = {
      ...{ kind: "undervoltage", level: "critical", value: 2, isNow: true, shown: "yes" },
      advice: "Use another supply.",
    };
    const items = ["now", "since power-on"].map((name) => ({ ...item, name }));
    const findings = judgeHealth({ level: "critical", strain: 0, items });
    expect(findings.find(({ id }) => id === "power-supply")).toMatchObject({
      verdict: "wrong",
      evidence: "now: yes, since power-on: yes.",
      remedy: "Use another supply.",
    });
    expect(findings.find(({ id }) => id === "temperature")).toMatchObject({ verdict: "unknown" });
  });
});

import { describe, expect, it } from "vitest";
import { Fault } from "../../../../src/domain/fault.ts";
import { ok, runChecks, unknown, warning, wrong } from "../../../../src/verbs/doctor/check.ts";
import type { Check, Finding } from "../../../../src/verbs/doctor/check.ts";
import { doctorResult, doctorText } from "../../../../src/verbs/doctor/report.ts";

const never = new AbortController().signal;
const giving = (...findings: readonly Finding[]): Check => ({
  id: findings[0]?.id ?? "",
  run: () => Promise.resolve(findings),
});
const run = (checks: readonly Check[], fix = false) => runChecks(checks, { fix }, never);

describe("the checks of the doctor", () => {
  it("put the wrong ones first", async () => {
    const checks = [
      giving(ok("a", "")),
      giving(unknown("b", "")),
      giving(warning("c", "", "", ""), wrong("d", "", "", "")),
    ];
    expect((await run(checks)).map(({ id }) => id)).toEqual(["d", "c", "b", "a"]);
  });

  it("go on without one that hangs, which is told to stop", async () => {
    let stopped = false;
    const hanging: Check = {
      ...{ id: "hanging", limitMs: 5 },
      run: (signal) =>
        new Promise(() => {
          signal.addEventListener("abort", () => (stopped = true));
        }),
    };
    const findings = await run([hanging, giving(ok("other", "fine"))]);
    expect(findings).toMatchObject([
      { id: "hanging", verdict: "unknown", evidence: "There was no answer within 0.005 s." },
      { id: "other", verdict: "ok" },
    ]);
    expect(stopped).toBe(true);
  });

  it("say what went wrong with themselves", async () => {
    const failing: Check = {
      id: "f",
      run: () => Promise.reject(new Fault("child-missing", "No such program.")),
    };
    expect(await run([failing])).toMatchObject([{ verdict: "unknown", evidence: "No such program." }]);
  });

  it("fix only what is not well, only when asked, and look again", async () => {
    let value = "bad";
    let fixes = 0;
    const check: Check = {
      id: "x",
      run: () => Promise.resolve([value === "good" ? ok("x", value) : wrong("x", value, "M.", "R.")]),
      fix: () => {
        fixes += 1;
        value = "good";
        return Promise.resolve("Made it good.");
      },
    };
    expect(await run([check])).toMatchObject([{ verdict: "wrong" }]);
    expect(fixes).toBe(0);
    expect(await run([check], true)).toMatchObject([
      { verdict: "ok", evidence: "good", fixed: "Made it good." },
    ]);
    expect((await run([check], true))[0]).not.toHaveProperty("fixed");
    expect(fixes).toBe(1);
  });

  it("say what a fix would need", async () => {
    const denied = Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
    const check: Check = { ...giving(warning("x", "e", "m", "r")), fix: () => Promise.reject(denied) };
    expect(await run([check], true)).toMatchObject([
      { verdict: "warning", fixed: "Not done: it needs root (sudo spotlive doctor --fix)." },
    ]);
  });
});

describe("the report of the doctor", () => {
  const findings = [
    { ...wrong("disk", "It is full.", "Nothing is kept.", "Delete something."), fixed: "Not done." },
    ok("clock", "It is right."),
  ];

  it("is not well when something is wrong, and well with warnings alone", () => {
    expect(doctorResult(findings).ok).toBe(false);
    expect(doctorResult([warning("a", "", "", ""), unknown("b", "")]).ok).toBe(true);
  });

  it("says it in plain words", () => {
    const lines = doctorText(doctorResult(findings)).split("\n");
    expect(lines.map((line) => line.trimStart())).toEqual([
      "WRONG    disk                 It is full.",
      "Nothing is kept.",
      "Do: Delete something.",
      "Fix: Not done.",
      "ok       clock                It is right.",
      "",
      "2 findings: 1 wrong, 0 warnings, 0 unknown.",
    ]);
  });
});

import { describe, expect, it } from "vitest";
import type { TranscodeTarget } from "../../../src/domain/verdict.ts";
import { easePlan } from "../../../src/transcode/ease-plan.ts";
import { planSoftware } from "../../../src/transcode/planner.ts";

const target: TranscodeTarget = { bitsPerSecond: 3e6, idrSeconds: 2, profile: "high" };
const input = { size: { width: 1920, height: 1080 }, fps: 30 };

describe("a plan for a board that is hot", () => {
  it.each([
    [0, {}, target],
    [1, {}, { ...target, width: 1280, height: 720 }],
    [2, {}, { ...target, width: 960, height: 540 }],
    [3, {}, { ...target, width: 960, height: 540, fps: 15 }],
    [9, {}, { ...target, width: 960, height: 540, fps: 15 }],
    [1, { width: 1280, height: 720, fps: 25 }, { ...target, width: 854, height: 480, fps: 25 }],
    [3, { width: 1280, height: 720, fps: 25 }, { ...target, width: 640, height: 360, fps: 12.5 }],
    [1, { height: 720 }, { ...target, width: 854, height: 480 }],
  ])("after %i steps from %j", (strain, asked, eased) => {
    const plan = planSoftware({ ...target, ...asked }, 4);
    expect(easePlan(plan, input, strain).target).toEqual(eased);
  });

  it("takes 30 pictures a second where nothing tells the rate", () => {
    expect(easePlan(planSoftware(target, 4), { size: input.size }, 3).target.fps).toBe(15);
  });

  it("says why, after what was stepped down already", () => {
    const plan = { ...planSoftware(target, 4), note: "It was too large." };
    expect(easePlan(plan, input, 3).note).toBe(
      "It was too large. The picture is made 960x540 at half the rate, as this machine is hot or throttled.",
    );
  });
});

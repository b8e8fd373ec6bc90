import { describe, expect, it } from "vitest";
import { planTranscode } from "../../../src/transcode/planner.ts";

describe("the plan of an encode", () => {
  const target = { bitsPerSecond: 3e6, idrSeconds: 2, profile: "high" } as const;

  it.each([
    [1, 1],
    [2, 1],
    [4, 3],
    [16, 4],
  ])("leaves one of %i cores to the live line: %i threads", (cores, threads) => {
    expect(planTranscode(target, cores)).toEqual({ target, encoder: "libx264", threads });
  });
});

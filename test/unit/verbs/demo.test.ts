import { describe, expect, it } from "vitest";
import { readRate } from "../../../src/verbs/demo.ts";

describe("the rate of an uplink", () => {
  it.each([
    ["1500k", 1_500_000],
    ["1.5M", 1_500_000],
    ["1500000", 1_500_000],
    ["64k", 64_000],
    ["0.3M", 300_000],
    ["1000M", 1_000_000_000],
  ])("is read from %s", (given, rate) => {
    expect(readRate(given)).toBe(rate);
  });

  it.each([
    "",
    "k",
    "1500",
    "63k",
    "1001M",
    "1.5G",
    "-2M",
    "1e6",
    "1,5M",
    " 2M",
    "2 M",
    "1.5m",
    "9".repeat(400),
  ])("is not taken from %j", (given) => {
    expect(() => readRate(given)).toThrow(
      /--uplink takes bits per second from 64k to 1000M, like 1500k or 1\.5M, got "/,
    );
  });
});

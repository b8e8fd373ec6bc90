import { describe, expect, it } from "vitest";
import { bytesOf, clockOf, labelOf, rateOf, spanOf } from "../../../src/web/words.ts";

describe("the page's words", () => {
  it("tell a time that goes on past a day", () => {
    expect([0, 751, 3600 * 101 + 61].map(clockOf)).toEqual(["00:00:00", "00:12:31", "101:01:01"]);
  });

  it("tell rates, sizes and spans in the unit that suits them", () => {
    expect([0, 850_000, 999_600, 4_240_000].map(rateOf)).toEqual([
      ...["0 kbit/s", "850 kbit/s", "1.0 Mbit/s", "4.2 Mbit/s"],
    ]);
    expect([12, 3_900_000, 123_000_000].map(bytesOf)).toEqual(["12 bytes", "3.9 MB", "123 MB"]);
    expect([12, 150, 7200].map(spanOf)).toEqual(["12 s", "3 min", "2 h"]);
  });

  it("make a heading of a key", () => {
    expect(labelOf("spot.tls.caFile")).toBe("Ca file");
    expect(labelOf("autostart")).toBe("Autostart");
  });
});

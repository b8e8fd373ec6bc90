import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCookie, writeCookie } from "../../../../src/control/http/cookies.ts";

describe("a cookie", () => {
  it.each([
    ["a=1", "1"],
    ["b=2; a=1", "1"],
    ["b=2;a=1;c=3", "1"],
    ["a=1; a=2", "1"],
    ["a=x=y", "x=y"],
    ["a=", ""],
    ["  a = 1 ", "1"],
    ["aa=1; ba=2", undefined],
    ["a", undefined],
    ["=1", undefined],
    ["", undefined],
    [undefined, undefined],
    [`b=${"x".repeat(9000)}; a=1`, undefined],
  ])("is found in %j", (header, value) => {
    expect(readCookie(header, "a")).toBe(value);
  });

  it("is found again among whatever else there is", () => {
    const other = fc.string({ unit: "binary", maxLength: 60 }).map((text) => text.replaceAll(/[;=]/g, "-"));
    fc.assert(
      fc.property(other, other, fc.base64String({ maxLength: 64 }), (before, after, value) => {
        expect(readCookie(`x${before}; mine=${value}; ${after}`, "mine")).toBe(value);
      }),
    );
  });

  it("is looked for in any text without a fault", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ minLength: 1 }), (header, name) => {
        const found = readCookie(header, name);
        expect(found === undefined || header.includes(found)).toBe(true);
      }),
    );
  });

  it("is kept from scripts and from other sites", () => {
    expect(writeCookie("a", "1", 60)).toBe("a=1; HttpOnly; SameSite=Strict; Path=/; Max-Age=60");
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { parseDocument } from "yaml";
import { blankSecrets } from "../../../src/device/blank.ts";

const oneSecret = (text: string, path: readonly (string | number)[] = ["k"]): string =>
  blankSecrets(text, [{ path, value: String(parseDocument(text).getIn(path)) }]);

describe("blanking a secret", () => {
  it.each([
    ["k: plain", "kept-on-device"],
    ["k: plain # why", "kept-on-device # why"],
    ["k: 'single ''quoted'''", "kept-on-device"],
    ['k: "double \\" quoted"', "kept-on-device"],
    ["k: >-\n  folded\n  text\nother: 1", "kept-on-device\nother: 1"],
    ["k: plain\n  over lines\nother: 1", "kept-on-device\nother: 1"],
    ["k: !!str tagged", "!!str kept-on-device"],
    ["k: &anchor value", "&anchor kept-on-device"],
    ["{k: in-flow, other: 1}", "kept-on-device, other: 1}"],
  ])("in %j", (text, expected) => {
    const result = oneSecret(text);
    expect(result).toMatch(/# Taken over/);
    expect(result.endsWith(expected), result).toBe(true);
    expect(parseDocument(result).get("k")).toBe("kept-on-device");
  });

  it("does without the comment where there is no room for one", () => {
    expect(oneSecret('{ a: "two\n lines", k: secret }')).toBe('{ a: "two\n lines", k: kept-on-device }');
  });

  it("says what to do once, and not again above it", () => {
    const once = oneSecret("k: first");
    expect(oneSecret(once.replace("k: kept-on-device", "k: second"))).toBe(once);
  });

  it("leaves a comment's short word alone, and a value that happens to be the same", () => {
    expect(oneSecret("k: abc\n# abc")).toContain("# abc");
    expect(oneSecret("k: same-value\nother: same-value # same-value")).toContain("other: same-value");
  });

  it("keeps every other value, for any values and any way of writing them", () => {
    const value = fc.string({ minLength: 1, unit: "grapheme" });
    const group = fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), value, { maxKeys: 5 });
    fc.assert(
      fc.property(
        group,
        value,
        fc.constantFrom("PLAIN", "QUOTE_SINGLE", "QUOTE_DOUBLE", "BLOCK_FOLDED"),
        (others, secret, style) => {
          const text = stringify(
            { ...others, list: [{ k: secret, ...others }] },
            { defaultStringType: style },
          );
          const result = blankSecrets(text, [{ path: ["list", 0, "k"], value: secret }]);
          expect(parseDocument(result).toJS()).toEqual({
            ...others,
            list: [{ ...others, k: "kept-on-device" }],
          });
        },
      ),
    );
  });
});

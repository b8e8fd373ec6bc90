import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wrappedSize } from "../../../../image/card/origin.ts";

const sizeFrom = (
  imageBytes: number,
  bad: readonly number[],
  displacements: readonly (readonly number[])[],
): number | undefined =>
  wrappedSize(
    imageBytes,
    bad.map((offset) => ({ offset })),
    displacements.map((found) => new Set(found)),
  );

describe("the size of a card whose addresses begin anew", () => {
  it.each([
    ["one round", 1000, [0, 100, 200], [[600], [600], [600]], 600],
    ["several rounds", 1000, [0, 200, 600], [[900], [600], [300]], 300],
    ["content that is in the image twice", 1000, [0, 100, 200], [[600, 50], [600, 50], [600]], 600],
    [
      "content that is everywhere in the image twice",
      1000,
      [0, 100],
      [
        [600, 300],
        [600, 300],
      ],
      600,
    ],
    [
      "what is told beside something that is everywhere",
      1000,
      [0, 1],
      [
        [600],
        Array(99)
          .fill(0)
          .map((_, at) => at),
      ],
      600,
    ],
    ["a place that means nothing", 1000, [0, 100, 200], [[600], [], [600]], 600],
  ])("is told from %s", (_, imageBytes, bad, displacements, size) => {
    expect(sizeFrom(imageBytes, bad, displacements)).toBe(size);
  });

  it.each([
    ["what is found comes from nowhere", [0, 100], [[], []]],
    ["most of it comes from nowhere", [0, 100], [[600], []]],
    ["it was written before", [700, 800], [[-600], [-600]]],
    ["a place is wrong that would be right then", [100, 650], [[600], [600]]],
  ])("is not told when %s", (_, bad, displacements) => {
    expect(sizeFrom(1000, bad, displacements)).toBeUndefined();
  });

  it("is the right one for every size and every image", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 5000 }), fc.integer({ min: 1, max: 5000 }), (size, more) => {
        const imageBytes = size + more;
        const bad = Array.from({ length: more }, (_, offset) => offset);
        const last = (offset: number): number => {
          const inside = offset % size;
          return inside + Math.floor((imageBytes - 1 - inside) / size) * size;
        };
        expect(
          sizeFrom(
            imageBytes,
            bad,
            bad.map((offset) => [last(offset) - offset]),
          ),
        ).toBe(size);
      }),
      { numRuns: 30 },
    );
  });
});

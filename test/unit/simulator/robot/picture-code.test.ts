import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  codeCells,
  codeColumns,
  drawGrid,
  frameNumberModulus,
  gridRows,
  numberOfCells,
} from "../../../../src/simulator/robot/picture-code.ts";
import { countJumps, readBarCode } from "../../../helpers/bar-code.ts";

const numbers = fc.nat(frameNumberModulus - 1);

/** The luma of a grid, each cell `scale` pixels wide and high, as a decoder would give it. */
function enlarge(grid: Buffer, scale: number): { gray: Uint8Array; width: number; height: number } {
  const [width, height] = [codeColumns * scale, gridRows * scale];
  const gray = Uint8Array.from({ length: width * height }, (_, index) => {
    const [x, y] = [index % width, Math.floor(index / width)];
    return grid[Math.floor(y / scale) * codeColumns + Math.floor(x / scale)] ?? 0;
  });
  return { gray, width, height };
}

describe("the bar code of a frame number", () => {
  it("gives the number back, whatever the contrast", () => {
    fc.assert(
      fc.property(
        numbers,
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 170, max: 255 }),
        (number, dark, light) => {
          expect(numberOfCells(codeCells(number).map((set) => (set ? light : dark)))).toBe(number);
        },
      ),
    );
  });

  it("is refused when one cell is wrong", () => {
    fc.assert(
      fc.property(numbers, fc.integer({ min: 2, max: codeColumns - 1 }), (number, cell) => {
        const cells = codeCells(number).map((set, index) => (set === (index === cell) ? 16 : 235));
        expect(numberOfCells(cells)).toBeUndefined();
      }),
    );
  });

  it("is refused where there is no contrast or another number of cells", () => {
    expect(numberOfCells(codeCells(5).map(() => 120))).toBeUndefined();
    expect(numberOfCells([])).toBeUndefined();
  });

  it("never throws on any picture", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.integer({ min: 1, max: 40 }), (gray, width) => {
        readBarCode(gray, width, Math.floor(gray.length / width));
      }),
    );
  });

  it("is found in an enlarged picture, on any screen and during the flash", () => {
    fc.assert(
      fc.property(
        numbers,
        fc.string(),
        fc.boolean(),
        fc.integer({ min: 2, max: 9 }),
        (number, screen, flashing, scale) => {
          const { gray, width, height } = enlarge(drawGrid(number, screen, flashing), scale);
          expect(readBarCode(gray, width, height)).toBe(number);
        },
      ),
      { numRuns: 30 },
    );
  });
});

it("gives another colour to another screen", () => {
  expect(drawGrid(1, "mech_full", false).equals(drawGrid(1, "digi_full", false))).toBe(false);
  expect(drawGrid(1, "mech_full", false).equals(drawGrid(1, "mech_full", false))).toBe(true);
});

it("counts every step that is not one as a jump", () => {
  expect(countJumps([8, 9, 0, 1], 10)).toBe(0);
  expect(countJumps([8, 9, 9, 1], 10)).toBe(2);
  expect(countJumps([8, undefined, 0], 10)).toBe(2);
});

/**
 * The machine-readable part of the simulated picture: a grid of 24 by 18 equal cells covers it. The two top rows hold
 * one bar code over all columns: white and black for reference, 20 bits of the frame number with the highest first,
 * its parity, and the parity inverted. The cells below are the coloured frame around the moving picture.
 */
export const codeColumns = 24;
export const gridRows = 18;
export const codeRows = 2;

const bits = 20;

/** Frame numbers are drawn modulo this. */
export const frameNumberModulus = 2 ** bits;

const white = 235;
const black = 16;

/** The cells of one frame number, left to right; true is white. `number` is taken modulo 2^20. */
export function codeCells(number: number): readonly boolean[] {
  const cells = [true, false];
  let parity = false;
  for (let bit = bits - 1; bit >= 0; bit--) {
    const set = Math.floor(number / 2 ** bit) % 2 === 1;
    cells.push(set);
    if (set) parity = !parity;
  }
  cells.push(parity, !parity);
  return cells;
}

/** The frame number of `cells` as brightness values, or undefined when they are not a whole, undamaged code. */
export function numberOfCells(cells: ArrayLike<number>): number | undefined {
  const [light = 0, dark = 255] = [cells[0], cells[1]];
  if (cells.length !== codeColumns || light - dark < 64) return undefined;
  const threshold = (light + dark) / 2;
  const isSet = (index: number): boolean => (cells[index] ?? 0) > threshold;
  let number = 0;
  let parity = false;
  for (let index = 2; index < 2 + bits; index++) {
    number = number * 2 + (isSet(index) ? 1 : 0);
    if (isSet(index)) parity = !parity;
  }
  return isSet(2 + bits) === parity && isSet(3 + bits) === !parity ? number : undefined;
}

/** A colour as the video has it: luma 16..235, both chroma values 16..240. */
export interface Colour {
  readonly y: number;
  readonly u: number;
  readonly v: number;
}

const flash: Colour = { y: white, u: 128, v: 128 };

/** A colour for each compositor screen, the same for the same name. */
export function screenColour(screen: string): Colour {
  let hash = 7;
  for (const character of screen) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return { y: 60 + (hash % 90), u: 48 + ((hash * 7) % 160), v: 48 + ((hash * 13) % 160) };
}

/**
 * The picture of one cell per pixel (24x18, planar YUV 4:2:0) that the encoder enlarges: the code, and below it the
 * frame in the screen's colour, or in white while the beep sounds.
 */
export function drawGrid(number: number, screen: string, flashing: boolean): Buffer {
  const colour = flashing ? flash : screenColour(screen);
  const luma = codeColumns * gridRows;
  const grid = Buffer.alloc(luma + luma / 2, 128);
  grid.fill(colour.y, 0, luma);
  for (const [column, set] of codeCells(number).entries()) {
    for (let row = 0; row < codeRows; row++) grid[row * codeColumns + column] = set ? white : black;
  }
  const chromaRow = codeColumns / 2;
  const chroma = luma / 4;
  grid.fill(colour.u, luma + (codeRows / 2) * chromaRow, luma + chroma);
  grid.fill(colour.v, luma + chroma + (codeRows / 2) * chromaRow, luma + 2 * chroma);
  return grid;
}

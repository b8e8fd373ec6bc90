import type { SeenFrame } from "./preview-line.ts";

/** The loop of the simulated camera: its pictures are numbered from 0 to 299. */
const loop = 300;

/** The numbers that were read, without those before the first one: Chromium's first picture may come up empty. */
export function numbersOf(frames: readonly SeenFrame[]): (number | null)[] {
  const numbers = frames.map(({ number }) => number);
  return numbers.slice(numbers.findIndex((number) => number !== null));
}

/** How many pictures the numbers go on by, and whether every one could be read and none came twice or out of order. */
export function progressOf(numbers: readonly (number | null)[]): { pictures: number; inOrder: boolean } {
  let pictures = 0;
  let inOrder = true;
  for (const [i, number] of numbers.entries()) {
    const before = numbers[i - 1];
    if (i === 0) continue;
    if (number === null || before === null || before === undefined) inOrder = false;
    else {
      const step = (number - before + loop) % loop;
      pictures += step;
      inOrder &&= step > 0 && step < loop / 2;
    }
  }
  return { pictures, inOrder };
}

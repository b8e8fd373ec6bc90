import { describe, expect, it } from "vitest";
import { WaitingAge } from "../../../../src/supervisor/adapt/waiting-age.ts";

/** Microseconds. */
const at = (ms: number): number => ms * 1000;

describe("the age of what waits", () => {
  it("is that of the queue where all that was handed over has arrived", () => {
    const age = new WaitingAge();
    expect(age.look(at(0), 1000, 1000, 0)).toBe(0);
    expect(age.look(at(250), 2000, 2000, 40)).toBe(40);
  });

  it("counts from the look that first saw the oldest byte handed over", () => {
    const age = new WaitingAge();
    age.look(at(0), 1000, 1000, 0);
    age.look(at(250), 2000, 1000, 0);
    expect(age.look(at(500), 3000, 1500, 0)).toBe(250);
    expect(age.look(at(750), 4000, 2000, 0)).toBe(250); // what came at 250 ms has arrived; at 500 ms it has not
  });

  it("adds what the oldest had waited in the queue before it was handed over", () => {
    const age = new WaitingAge();
    age.look(at(0), 1000, 0, 900);
    expect(age.look(at(500), 1000, 0, 0)).toBe(1400);
  });

  it("grows by the clock while nothing arrives, whatever the line carried before", () => {
    const age = new WaitingAge();
    for (let ms = 0; ms < 3000; ms += 250) age.look(at(ms), 5000 + ms, 4000, 0);
    expect(age.look(at(3000), 9000, 4000, 0)).toBe(3000);
    expect(age.look(at(3250), 9000, 9000, 0)).toBe(0);
  });
});

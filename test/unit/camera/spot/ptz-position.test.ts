import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { moveBy, moveTo, readBounds, wrapDegrees } from "../../../../src/camera/spot/ptz-position.ts";
import type { PtzBounds } from "../../../../src/camera/spot/ptz-position.ts";
import type { CameraPosition } from "../../../../src/domain/camera.ts";
import type { PtzLimits } from "../../../../src/domain/spot/messages.ts";
import { Fault } from "../../../../src/domain/fault.ts";

const limits = (min: number, max: number): PtzLimits => ({ min: { value: min }, max: { value: max } });
const mech: PtzBounds = { pan: undefined, tilt: { min: -30, max: 90 }, zoom: { min: 1, max: 30 } };
const halfTurn: PtzBounds = { ...mech, pan: { min: -170, max: 170 } };
const at = (pan: number, tilt = 0, zoom = 1): CameraPosition => ({ pan, tilt, zoom });

const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
const position = fc.record({ pan: number, tilt: number, zoom: number });
const anyLimits = fc.option(
  fc.record({
    min: fc.option(fc.record({ value: fc.float() })),
    max: fc.option(fc.record({ value: fc.float() })),
  }),
);
const description = fc.record({
  name: fc.constant("mech"),
  panLimit: anyLimits,
  tiltLimit: anyLimits,
  zoomLimit: anyLimits,
});

/** Angles are the same when they differ by whole turns. */
function turnsApart(a: number, b: number): number {
  const turned = wrapDegrees(a - b);
  return Math.min(turned, 360 - turned);
}

function expectWithin({ pan, tilt, zoom }: CameraPosition, bounds: PtzBounds): void {
  const range = bounds.pan ?? { min: 0, max: 359.9999999999999 };
  for (const [value, { min, max }] of [
    [pan, range],
    [tilt, bounds.tilt],
    [zoom, bounds.zoom],
  ] as const) {
    expect(value).toBeGreaterThanOrEqual(min);
    expect(value).toBeLessThanOrEqual(max);
  }
}

describe("readBounds", () => {
  it("takes limits that are absent or both 0 as no limits", () => {
    const free = { pan: undefined, tilt: { min: -90, max: 90 }, zoom: { min: 1, max: 30 } };
    const zero = limits(0, 0);
    expect(readBounds({ name: "a", panLimit: null, tiltLimit: null, zoomLimit: null })).toEqual(free);
    expect(readBounds({ name: "a", panLimit: zero, tiltLimit: zero, zoomLimit: zero })).toEqual(free);
  });

  it("takes the limits that a robot gives", () => {
    const [panLimit, tiltLimit, zoomLimit] = [limits(-170, 170), limits(-30, 100), limits(1, 25)];
    expect(readBounds({ name: "a", panLimit, tiltLimit, zoomLimit })).toEqual({
      pan: { min: -170, max: 170 },
      tilt: { min: -30, max: 100 },
      zoom: { min: 1, max: 25 },
    });
  });

  it.each([
    [{ min: { value: 5 }, max: null }],
    [limits(Number.NaN, 9)],
    [limits(9, -9)],
    [limits(-Infinity, 9)],
  ])("does not believe the limits %j", (panLimit) => {
    expect(readBounds({ name: "a", panLimit, tiltLimit: null, zoomLimit: null }).pan).toBeUndefined();
  });
});

describe("moveBy", () => {
  it.each([
    ["over 360", at(350), 20, 10],
    ["under 0", at(5), -10, 355],
    ["to exactly 360, which is 0", at(350), 10, 0],
    ["more than one turn", at(10), 725, 15],
  ])("wraps an unlimited pan %s", (_, from, pan, expected) => {
    expect(moveBy(from, at(pan), mech).pan).toBe(expected);
  });

  it("stops a limited pan at its limit and does not swing round to the other", () => {
    expect(moveBy(at(165), at(20), halfTurn).pan).toBe(170);
    expect(moveBy(at(-165), at(-20), halfTurn).pan).toBe(-170);
  });

  it("moves a limited pan from a position that is told a whole turn away", () => {
    expect(moveBy(at(350), at(5), halfTurn).pan).toBe(-5);
  });

  it("multiplies the zoom and leaves it at 1", () => {
    expect(moveBy(at(0, 0, 4), at(0, 0, 2), mech).zoom).toBe(8);
    expect(moveBy(at(0, 0, 4), at(0, 0, 1), mech).zoom).toBe(4);
    expect(moveBy(at(0, 0, 20), at(0, 0, 2), mech).zoom).toBe(30);
    expect(moveBy(at(0, 0, 1.5), at(0, 0, 0.5), mech).zoom).toBe(1);
  });

  it("never leaves the limits, whatever the robot tells and whoever asks", () => {
    fc.assert(
      fc.property(position, position, description, (from, delta, described) => {
        const bounds = readBounds(described);
        expectWithin(moveBy(from, delta, bounds), bounds);
        expectWithin(moveTo(from, delta, bounds), bounds);
      }),
    );
  });

  it("turns an unlimited pan by just the delta", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: 0, max: 360 }), number, (pan, delta) => {
        expect(turnsApart(moveBy(at(pan), at(delta), mech).pan, pan + delta)).toBeLessThan(1e-3);
      }),
    );
  });

  it("comes back by the opposite move where no limit was met", () => {
    const small = fc.double({ noNaN: true, min: -25, max: 25 });
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: 0, max: 359 }), small, small, (pan, panBy, tiltBy) => {
        const there = moveBy(at(pan), at(panBy, tiltBy), mech);
        const back = moveBy(there, at(-panBy, -tiltBy), mech);
        expect(turnsApart(back.pan, pan)).toBeLessThan(1e-3);
        expect(back.tilt).toBeCloseTo(0, 9);
      }),
    );
  });

  it.each([at(Number.NaN), at(0, Infinity), at(0, 0, Number.NaN)])("refuses %j as no numbers", (delta) => {
    expect(() => moveBy(at(0), delta, mech)).toThrow(Fault);
    expect(() => moveTo(at(0), delta, mech)).toThrow(/to be a number/);
  });
});

describe("moveTo", () => {
  it("keeps what is not given", () => {
    expect(moveTo(at(10, 20, 3), { tilt: -5 }, mech)).toEqual(at(10, -5, 3));
    expect(moveTo(at(10, 20, 3), {}, mech)).toEqual(at(10, 20, 3));
  });

  it("meets a pan a whole turn away, and else the nearest limit", () => {
    expect(moveTo(at(0), { pan: 350 }, halfTurn).pan).toBe(-10);
    expect(moveTo(at(0), { pan: -90 }, mech).pan).toBe(270);
    expect(moveTo(at(0), { pan: 175 }, halfTurn).pan).toBe(170);
  });
});

describe("wrapDegrees", () => {
  it("is never 360, not even as the 32-bit number that goes to the robot", () => {
    fc.assert(
      fc.property(fc.oneof(number, fc.constantFrom(-1e-12, 359.999999, 360, 720, -360)), (degrees) => {
        const wrapped = Math.fround(wrapDegrees(degrees));
        expect(wrapped).toBeGreaterThanOrEqual(0);
        expect(wrapped).toBeLessThan(360);
      }),
    );
  });
});

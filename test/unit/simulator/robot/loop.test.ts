import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encoderArguments } from "../../../../src/simulator/robot/encoder.ts";
import { isFlashing, loopLength, parseLoop, serializeLoop } from "../../../../src/simulator/robot/loop.ts";
import { defaultRobotOptions } from "../../../../src/simulator/robot/options.ts";

const settings = defaultRobotOptions();

describe("the length of a loop", () => {
  it("is whole seconds and whole groups of pictures, from 10 to 20 seconds", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 600 }), (fps, idrInterval) => {
        const length = loopLength({ ...settings, fps, idrInterval });
        if (length === undefined) return;
        expect([length % fps, length % idrInterval]).toEqual([0, 0]);
        expect(length / fps).toBeGreaterThanOrEqual(10);
        expect(length / fps).toBeLessThanOrEqual(20);
      }),
    );
    expect(loopLength(settings)).toBe(300);
  });

  it("is none where the groups do not fit, or IDRs do not come by the clock", () => {
    expect(loopLength({ ...settings, idrInterval: 601 })).toBeUndefined();
    expect(loopLength({ ...settings, idr: "on-pli" })).toBeUndefined();
    expect(loopLength({ ...settings, idr: "refresh-only" })).toBeUndefined();
  });
});

const pictures = fc.array(
  fc.record({
    keyframe: fc.boolean(),
    payloads: fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 }),
  }),
  { maxLength: 6 },
);

describe("the loop's file", () => {
  it("gives back what was put into it", () => {
    fc.assert(
      fc.property(pictures, fc.uint8Array({ minLength: 1, maxLength: 20 }), (made, sets) => {
        const parsed = parseLoop(
          serializeLoop(made.map((picture) => ({ ...picture, entry: false, bytes: 0, parameterSets: sets }))),
        );
        expect(parsed?.map(({ keyframe }) => keyframe)).toEqual(made.map(({ keyframe }) => keyframe));
        expect(parsed?.map(({ payloads }) => payloads.map((one) => [...one]))).toEqual(
          made.map(({ payloads }) => payloads.map((one) => [...one])),
        );
      }),
    );
  });

  it("is taken as damaged when its end is missing", () => {
    const whole = serializeLoop([
      {
        keyframe: true,
        entry: true,
        bytes: 3,
        payloads: [Buffer.from([1, 2, 3])],
        parameterSets: Buffer.from([9]),
      },
    ]);
    expect(parseLoop(whole)).toHaveLength(1);
    expect(parseLoop(whole.subarray(0, -1))).toBeUndefined();
  });

  it("never throws on any bytes", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseLoop(Buffer.from(bytes))));
  });
});

it("flashes at the start of every second", () => {
  expect([0, 1, 2, 29, 30, 31, 32].map((frame) => isFlashing(frame, 30))).toEqual([
    true,
    true,
    false,
    false,
    true,
    true,
    false,
  ]);
  expect(isFlashing(0, 1)).toBe(true);
});

it("asks the encoder for no B-frames and for even sizes at every picture size", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 80, max: 1920 }),
      fc.integer({ min: 60, max: 1080 }),
      (halfWidth, halfHeight) => {
        const line = encoderArguments({ ...settings, width: 2 * halfWidth, height: 2 * halfHeight });
        expect(line[line.indexOf("-bf") + 1]).toBe("0");
        const sizes = line.join(" ").matchAll(/(?:scale=|size=)(\d+)[:x](\d+)/g);
        for (const [, width, height] of sizes)
          expect([Number(width) % 2, Number(height) % 2]).toEqual([0, 0]);
      },
    ),
    { numRuns: 30 },
  );
});

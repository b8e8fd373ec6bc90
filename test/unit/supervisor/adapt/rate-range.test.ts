import { describe, expect, it } from "vitest";
import { strictest } from "../../../../src/media/destination-rules.ts";
import { rateRange } from "../../../../src/supervisor/adapt/rate-range.ts";
import type { RateLimits } from "../../../../src/supervisor/adapt/rate-range.ts";

const twitch = strictest(["twitch"]);
const generic = strictest(["generic"]);
const limits: RateLimits = { floor: 400_000, configured: undefined, cap: null };
const controllable = { isControllable: true, found: { targetBitrate: 8_000_000 } };

describe("the range of the bit rate", () => {
  it("ends at what the camera was set to where nobody says otherwise", () => {
    expect(rateRange(limits, generic, controllable, undefined)).toEqual({
      floor: 400_000,
      ceiling: 8_000_000,
    });
  });

  it("keeps a tenth off the destination's limit", () => {
    expect(rateRange(limits, twitch, controllable, undefined)?.ceiling).toBe(5_400_000);
  });

  it("obeys what is configured, and never goes above a cap", () => {
    const configured = { ...limits, configured: 10_000_000 };
    expect(rateRange(configured, generic, controllable, undefined)?.ceiling).toBe(10_000_000);
    expect(rateRange({ ...configured, cap: 3e6 }, generic, controllable, undefined)?.ceiling).toBe(3e6);
    expect(rateRange({ ...limits, cap: 20e6 }, generic, controllable, undefined)?.ceiling).toBe(8e6);
  });

  it("lowers its floor to a ceiling that lies below it", () => {
    expect(rateRange({ ...limits, cap: 300_000 }, generic, controllable, undefined)).toEqual({
      floor: 300_000,
      ceiling: 300_000,
    });
  });

  it("is none while the camera passes its own pictures on and cannot be asked, or was not read yet", () => {
    const refusing = { isControllable: false, found: undefined };
    expect(rateRange({ ...limits, cap: 1e6 }, twitch, refusing, undefined)).toBeUndefined();
    expect(rateRange(limits, twitch, { isControllable: true, found: undefined }, undefined)).toBeUndefined();
  });

  it("is there for an encoder of our own, whatever the camera can", () => {
    const refusing = { isControllable: false, found: undefined };
    expect(rateRange(limits, twitch, refusing, 6_000_000)?.ceiling).toBe(5_400_000);
    expect(rateRange({ ...limits, cap: 2e6 }, generic, refusing, 6_000_000)?.ceiling).toBe(2e6);
  });

  it.each([{}, { targetBitrate: 0, idrInterval: 60 }])(
    "holds a camera that tells no rate of its own (%o) to the cap all the same",
    (found) => {
      const silent = { isControllable: true, found };
      expect(rateRange({ ...limits, cap: 3e6 }, generic, silent, undefined)?.ceiling).toBe(3e6);
    },
  );
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import type { FaultCode } from "../../../src/domain/fault.ts";
import { outputRetryPolicy, sourceRetryPolicy } from "../../../src/supervisor/retry-policy.ts";

const fault = (code: FaultCode): Fault => new Fault(code, "for the test");
const failures = fc.integer({ min: 1, max: 1000 });

describe("outputRetryPolicy", () => {
  it("waits 1 to 15 s while the broadcast can still be saved", () => {
    fc.assert(
      fc.property(failures, fc.integer({ min: 0, max: 90_000 }), (count, outageMs) => {
        const delay = outputRetryPolicy.delayMs(fault("output-unreachable"), count, outageMs);
        expect(delay).toBeGreaterThanOrEqual(1000);
        expect(delay).toBeLessThanOrEqual(15_000);
      }),
    );
  });

  it("waits 30 to 60 s afterwards", () => {
    fc.assert(
      fc.property(failures, fc.integer({ min: 90_001, max: 1e9 }), (count, outageMs) => {
        const delay = outputRetryPolicy.delayMs(fault("output-closed"), count, outageMs);
        expect(delay).toBeGreaterThanOrEqual(30_000);
        expect(delay).toBeLessThanOrEqual(60_000);
      }),
    );
  });

  it("never hurries an ingest that refuses, and waits up to a minute in the end", () => {
    const longest = (count: number): number =>
      Math.max(
        ...Array.from({ length: 200 }, () => outputRetryPolicy.delayMs(fault("closed-early"), count, 0)),
      );
    expect(longest(1)).toBeLessThanOrEqual(2000);
    expect(longest(3)).toBeLessThanOrEqual(8000);
    expect(longest(20)).toBeGreaterThan(30_000);
    expect(longest(20)).toBeLessThanOrEqual(60_000);
  });

  it("outlives its own ghost: a key that is in use right after an outage is tried again every 1 to 3 s", () => {
    for (const count of [1, 5, 40]) {
      expect(outputRetryPolicy.delayMs(fault("key-in-use"), count, 30_000)).toBeLessThanOrEqual(3000);
    }
    const later = Array.from({ length: 50 }, () =>
      outputRetryPolicy.delayMs(fault("key-in-use"), 40, 120_000),
    );
    expect(Math.max(...later)).toBeGreaterThan(20_000);
  });

  it("tries a server that it does not trust only slowly: nothing was sent, and a captive portal may go away", () => {
    const delay = outputRetryPolicy.delayMs(fault("output-tls"), 1, 0);
    expect(delay).toBeGreaterThanOrEqual(30_000);
    expect(fault("output-tls").retryable).toBe(true);
  });

  it("begins with about a second: the first try after a lost connection comes soon", () => {
    expect(outputRetryPolicy.delayMs(fault("output-closed"), 1, 0)).toBe(1000);
  });
});

describe("sourceRetryPolicy", () => {
  it("leaves a locked account alone for longer than the lock lasts", () => {
    expect(sourceRetryPolicy.delayMs(fault("login-locked"), 1, 0)).toBeGreaterThan(60_000);
  });

  it("asks for a new token at once, but not twice", () => {
    expect(sourceRetryPolicy.delayMs(fault("token-expired"), 1, 0)).toBe(0);
    expect(sourceRetryPolicy.delayMs(fault("token-expired"), 2, 0)).toBeGreaterThan(0);
  });

  it("never waits more than 10 s for the robot on the cable", () => {
    fc.assert(
      fc.property(failures, (count) => {
        expect(sourceRetryPolicy.delayMs(fault("robot-unreachable"), count, 1e9)).toBeLessThanOrEqual(10_000);
      }),
    );
  });
});

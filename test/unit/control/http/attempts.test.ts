import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LoginAttempts } from "../../../../src/control/http/attempts.ts";

const limits = { most: 3, windowMs: 60_000, addresses: 10 };

function createAttempts(): { readonly attempts: LoginAttempts; pass(seconds: number): void } {
  let nowUs = 0;
  return {
    attempts: new LoginAttempts(limits, () => nowUs),
    pass: (seconds) => void (nowUs += seconds * 1_000_000),
  };
}

function fail(attempts: LoginAttempts, address: string, times: number): void {
  for (let done = 0; done < times; done += 1) attempts.countWrong(address);
}

describe("login attempts", () => {
  it("block an address after the limit until its window is over", () => {
    const { attempts, pass } = createAttempts();
    fail(attempts, "10.0.0.1", 2);
    expect(attempts.waitSeconds("10.0.0.1")).toBe(0);
    pass(20);
    fail(attempts, "10.0.0.1", 1);
    expect(attempts.waitSeconds("10.0.0.1")).toBe(40);
    pass(40);
    expect(attempts.waitSeconds("10.0.0.1")).toBe(0);
    fail(attempts, "10.0.0.1", 1);
    expect(attempts.waitSeconds("10.0.0.1")).toBe(0);
  });

  it("leave other addresses alone", () => {
    const { attempts } = createAttempts();
    fail(attempts, "10.0.0.1", 3);
    expect(attempts.waitSeconds("10.0.0.2")).toBe(0);
  });

  it.each([
    ["10.0.0.1", "::ffff:10.0.0.1"],
    ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"],
    ["2001:db8::1", "2001:db8:0:0:5::"],
    ["fe80::1%eth0", "fe80::2"],
  ])("count %s and %s as one", (first, second) => {
    const { attempts } = createAttempts();
    fail(attempts, first, 3);
    expect(attempts.waitSeconds(second)).toBeGreaterThan(0);
  });

  it("count two networks as two", () => {
    const { attempts } = createAttempts();
    fail(attempts, "2001:db8:1:2::1", 3);
    expect(attempts.waitSeconds("2001:db8:1:3::1")).toBe(0);
  });

  it("remember no more addresses than they may, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), { maxLength: 60 }), (addresses) => {
        const { attempts } = createAttempts();
        for (const address of addresses) attempts.countWrong(address);
        expect(attempts.size).toBeLessThanOrEqual(limits.addresses);
      }),
    );
  });
});

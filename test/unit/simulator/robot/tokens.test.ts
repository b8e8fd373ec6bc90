import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { authStatus } from "../../../../src/lib/spot-protocol.ts";
import { Account, Tokens } from "../../../../src/simulator/robot/tokens.ts";

const user = { kind: "user", name: "user" } as const;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a token", () => {
  it("has the three parts of a JSON Web Token with its end of life", () => {
    const [head = "", claims = "", signature = ""] = new Tokens(60_000).mint(user).split(".");
    expect(JSON.parse(Buffer.from(head, "base64url").toString())).toEqual({ alg: "ES256", typ: "JWT" });
    const { iat, exp, sub } = JSON.parse(Buffer.from(claims, "base64url").toString());
    expect([exp - iat, sub]).toEqual([60, "user"]);
    expect(Buffer.from(signature, "base64url")).toHaveLength(64);
  });

  it("is good until its life is over", () => {
    const tokens = new Tokens(60_000);
    const token = tokens.mint(user);
    vi.advanceTimersByTime(59_000);
    expect(tokens.bearerOfHeader(`Bearer ${token}`)).toEqual(user);
    vi.advanceTimersByTime(2_000);
    expect(tokens.bearerOfHeader(`Bearer ${token}`)).toBeUndefined();
  });

  it("is worth nothing after all were expired, nor when the robot did not make it", () => {
    const tokens = new Tokens(60_000);
    const token = tokens.mint(user);
    tokens.expireAll();
    expect(tokens.bearerOf(token)).toBeUndefined();
    expect(tokens.bearerOf(new Tokens(60_000).mint(user))).toBeUndefined();
    expect(tokens.bearerOfHeader("Bearer None")).toBeUndefined();
    expect(tokens.bearerOfHeader(undefined)).toBeUndefined();
  });
});

describe("an account", () => {
  it("is locked for a minute after six failures in a row, for the right password too", () => {
    const account = new Account("user", "right", 60_000);
    const tries = Array.from({ length: 6 }, () => account.logIn("user", "wrong"));
    expect(tries).toEqual([2, 2, 2, 2, 2, authStatus.temporarilyLockedOut]);
    expect(account.logIn("user", "right")).toBe(authStatus.temporarilyLockedOut);
    vi.advanceTimersByTime(60_001);
    expect(account.logIn("user", "right")).toBe(authStatus.ok);
  });

  it("forgets its failures with a success", () => {
    const account = new Account("user", "right", 60_000);
    for (let round = 0; round < 3; round++) {
      for (let failure = 0; failure < 5; failure++) account.logIn("user", "wrong");
      expect(account.logIn("user", "right")).toBe(authStatus.ok);
    }
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { watchForStall } from "../../../src/lib/stall.ts";

describe("watchForStall", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("stays quiet as long as something comes", () => {
    const onStall = vi.fn();
    using stall = watchForStall(1000, onStall);
    for (let i = 0; i < 10; i += 1) {
      vi.advanceTimersByTime(900);
      stall.beat();
    }
    expect(onStall).not.toHaveBeenCalled();
  });

  it("speaks once, even when something comes afterwards", () => {
    const onStall = vi.fn();
    using stall = watchForStall(1000, onStall);
    vi.advanceTimersByTime(1000);
    expect(onStall).toHaveBeenCalledOnce();
    stall.beat();
    vi.advanceTimersByTime(5000);
    expect(onStall).toHaveBeenCalledOnce();
  });

  it("says nothing after its end, and leaves no timer", () => {
    const onStall = vi.fn();
    const stall = watchForStall(1000, onStall);
    stall[Symbol.dispose]();
    stall.beat();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(5000);
    expect(onStall).not.toHaveBeenCalled();
  });
});

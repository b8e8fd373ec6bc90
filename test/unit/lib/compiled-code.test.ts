import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Phase } from "../../../src/domain/status.ts";
import { keepCompiledCode } from "../../../src/lib/compiled-code.ts";
import { createEventBus } from "../../../src/lib/events.ts";

describe("the compiled code", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function start() {
    const events = createEventBus();
    const life = new AbortController();
    const flush = vi.fn();
    const done = keepCompiledCode({ subscribe: events.subscribe, flush, settleMs: 1000 }, life.signal);
    const tell = (phase: Phase): void => events.report({ type: "phase", phase, reason: "" });
    return { tell, life, flush, done };
  }

  it("is written once, when the line has been live for a while", async () => {
    const { tell, flush, done } = start();
    tell("starting");
    await vi.advanceTimersByTimeAsync(60_000);
    tell("live");
    await vi.advanceTimersByTimeAsync(999);
    expect(flush).not.toHaveBeenCalled();
    tell("retrying");
    await vi.advanceTimersByTimeAsync(1);
    await done;
    tell("live");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(flush).toHaveBeenCalledOnce();
  });

  it.each([[[]], [["live"]]] as const)("is left to Node at the end, after the phases %j", async (phases) => {
    const { tell, life, flush, done } = start();
    phases.forEach(tell);
    life.abort();
    await vi.advanceTimersByTimeAsync(2000);
    await done;
    expect(flush).not.toHaveBeenCalled();
  });
});

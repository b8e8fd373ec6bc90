import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import type { Phase } from "../../../src/domain/status.ts";
import { keepCompiledCode } from "../../../src/lib/compiled-code.ts";
import { createEventBus } from "../../../src/lib/events.ts";

const settleMs = 50;

describe("the compiled code", () => {
  function start() {
    const events = createEventBus();
    const life = new AbortController();
    const flush = vi.fn(() => performance.now());
    const done = keepCompiledCode({ subscribe: events.subscribe, flush, settleMs }, life.signal);
    const tell = (phase: Phase): void => events.report({ type: "phase", phase, reason: "" });
    return { tell, life, flush, done };
  }

  it("is written once, when the line has been live for a while", async () => {
    const { tell, flush, done } = start();
    tell("starting");
    const isDone = vi.fn();
    done.then(isDone, isDone);
    await nextTurn();
    expect(isDone).not.toHaveBeenCalled();
    const before = performance.now();
    tell("live");
    tell("retrying");
    await done;
    tell("live");
    expect(flush).toHaveBeenCalledOnce();
    // Node's timers count whole milliseconds.
    expect(Number(flush.mock.results[0]?.value) - before).toBeGreaterThan(settleMs - 2);
  });

  it.each([[[]], [["live"]]] as const)("is left to Node at the end, after the phases %j", async (phases) => {
    const { tell, life, flush, done } = start();
    phases.forEach(tell);
    life.abort();
    await done;
    expect(flush).not.toHaveBeenCalled();
  });
});

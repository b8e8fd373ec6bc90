import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { childSignal, untilAborted } from "../../../src/lib/signals.ts";

describe("childSignal", () => {
  it("aborts with its parent, also when that has aborted already", () => {
    const parent = new AbortController();
    using before = childSignal(parent.signal);
    parent.abort();
    using after = childSignal(parent.signal);
    expect([before.signal.aborted, after.signal.aborted]).toEqual([true, true]);
  });

  it("aborts at the end of its block and leaves nothing at a long-lived parent", () => {
    const parent = new AbortController();
    let inner: AbortSignal | undefined;
    {
      using scope = childSignal(parent.signal);
      inner = scope.signal;
      expect(getEventListeners(parent.signal, "abort")).toHaveLength(1);
    }
    expect(inner.aborted).toBe(true);
    expect(getEventListeners(parent.signal, "abort")).toHaveLength(0);
  });
});

describe("untilAborted", () => {
  it("resolves at the abort, and at once after it", async () => {
    const controller = new AbortController();
    const waiting = untilAborted(controller.signal);
    controller.abort();
    expect(await waiting).toBeUndefined();
    expect(await untilAborted(controller.signal)).toBeUndefined();
  });
});

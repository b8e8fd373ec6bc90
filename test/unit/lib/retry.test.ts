import { EventEmitter, getEventListeners, once } from "node:events";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { retry } from "../../../src/lib/retry.ts";
import { childSignal } from "../../../src/lib/signals.ts";
import type { RetryPolicy } from "../../../src/lib/retry.ts";

const atOnce: RetryPolicy = { delayMs: () => 0, healthyAfterMs: 60_000 };
const patient: RetryPolicy = { delayMs: () => 3_600_000, healthyAfterMs: 60_000 };
const lost = (): Fault => new Fault("connection-lost", "The connection was lost.");

describe("retry", () => {
  it("tries again after a retryable fault, telling the policy and the hook how often it failed", async () => {
    const stop = new AbortController();
    const asked: number[] = [];
    const waits: [string, number][] = [];
    let attempts = 0;
    await retry(
      async () => {
        attempts += 1;
        if (attempts === 4) stop.abort();
        throw lost();
      },
      { healthyAfterMs: 60_000, delayMs: (_, failures) => (asked.push(failures), failures) },
      stop.signal,
      { onWait: ({ code }, delayMs) => void waits.push([code, delayMs]) },
    );
    expect(asked).toEqual([1, 2, 3]);
    expect(waits).toEqual([1, 2, 3].map((ms) => ["connection-lost", ms]));
  });

  it("gives up at once, with the fault itself, when trying again cannot help", async () => {
    const refused = new Fault("login-refused", "Wrong password.");
    let attempts = 0;
    const outcome = retry(
      async () => {
        attempts += 1;
        throw refused;
      },
      atOnce,
      new AbortController().signal,
    );
    await expect(outcome).rejects.toBe(refused);
    expect(attempts).toBe(1);
  });

  it("takes an unknown error for an internal fault and goes on", async () => {
    const stop = new AbortController();
    const codes: string[] = [];
    await retry(async () => Promise.reject(new TypeError("oops")), atOnce, stop.signal, {
      onWait: ({ code }) => (codes.push(code), stop.abort()),
    });
    expect(codes).toEqual(["internal"]);
  });

  it("counts anew after an attempt that ran well for long enough", async () => {
    const stop = new AbortController();
    const asked: number[] = [];
    let attempts = 0;
    await retry(
      async () => {
        attempts += 1;
        if (attempts === 4) stop.abort();
        const began = performance.now();
        if (attempts === 3) while (performance.now() - began < 30) await new Promise(setImmediate);
        throw lost();
      },
      { healthyAfterMs: 20, delayMs: (_, failures) => (asked.push(failures), 0) },
      stop.signal,
    );
    expect(asked).toEqual([1, 2, 1]);
  });

  it("counts an attempt that never began as a failure, however long it tried", async () => {
    const stop = new AbortController();
    const asked: number[] = [];
    let attempts = 0;
    await retry(
      async () => {
        attempts += 1;
        if (attempts === 4) stop.abort();
        await new Promise((resolve) => setTimeout(resolve, 20));
        throw lost();
      },
      { healthyAfterMs: 1, delayMs: (_, failures) => (asked.push(failures), 0) },
      stop.signal,
      { hadBegun: () => false },
    );
    expect(asked).toEqual([1, 2, 3]);
  });

  it("begins a new attempt at once when one simply returns", async () => {
    const stop = new AbortController();
    let attempts = 0;
    await retry(
      async () => {
        attempts += 1;
        if (attempts === 3) stop.abort();
      },
      patient,
      stop.signal,
    );
    expect(attempts).toBe(3);
  });

  it("ends an attempt and a wait when it is aborted", async () => {
    const stop = new AbortController();
    const duringAttempt = retry(async (signal) => void (await once(signal, "abort")), patient, stop.signal);
    const waiting = new EventEmitter();
    const began = once(waiting, "wait");
    const duringWait = retry(async () => Promise.reject(lost()), patient, stop.signal, {
      onWait: () => void waiting.emit("wait"),
    });
    await began;
    stop.abort();
    await expect(Promise.all([duringAttempt, duringWait])).resolves.toBeDefined();
  });

  it("does not even begin when it is aborted already", async () => {
    await retry(async () => expect.unreachable(), atOnce, AbortSignal.abort());
  });

  it("stops waiting when the peer is back, and waits on when looking for it fails", async () => {
    const stop = new AbortController();
    let attempts = 0;
    await retry(
      async () => {
        attempts += 1;
        if (attempts === 2) stop.abort();
        throw lost();
      },
      patient,
      stop.signal,
      { wakeUp: async () => {} },
    );
    expect(attempts).toBe(2);
    const failing: RetryPolicy = { delayMs: () => 5, healthyAfterMs: 60_000 };
    const again = new AbortController();
    await retry(async () => Promise.reject(lost()), failing, again.signal, {
      onWait: (_, delayMs) => expect(delayMs).toBe(5),
      wakeUp: async () => {
        queueMicrotask(() => again.abort());
        throw lost();
      },
    });
  });

  it("aborts the signal of each attempt and of each wait when it is over", async () => {
    const stop = new AbortController();
    const signals: AbortSignal[] = [];
    await retry(
      async (signal) => {
        expect(signals.every(({ aborted }) => aborted)).toBe(true);
        signals.push(signal);
        if (signals.length >= 6) stop.abort();
        throw lost();
      },
      patient,
      stop.signal,
      { wakeUp: async (_, signal) => void signals.push(signal) },
    );
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
  });

  it("leaves nothing behind at a signal that lives for days", async () => {
    const stop = new AbortController();
    let attempts = 0;
    let most = 0;
    await retry(
      async () => {
        attempts += 1;
        most = Math.max(most, getEventListeners(stop.signal, "abort").length);
        if (attempts === 300) stop.abort();
        throw lost();
      },
      atOnce,
      stop.signal,
    );
    expect(most).toBe(1);
    expect(getEventListeners(stop.signal, "abort")).toHaveLength(0);
  });
});

describe("childSignal", () => {
  it("aborts with its parent, by itself and at its end, and never the parent", () => {
    const parent = new AbortController();
    const byItself = childSignal(parent.signal);
    byItself.abort();
    expect(byItself.signal.aborted).toBe(true);
    byItself[Symbol.dispose]();
    const atEnd = childSignal(parent.signal);
    atEnd[Symbol.dispose]();
    expect(atEnd.signal.aborted).toBe(true);
    expect(parent.signal.aborted).toBe(false);
    using withParent = childSignal(parent.signal);
    parent.abort();
    expect(withParent.signal.aborted).toBe(true);
    using late = childSignal(parent.signal);
    expect(late.signal.aborted).toBe(true);
  });
});

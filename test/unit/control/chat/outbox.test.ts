import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Fault } from "../../../../src/domain/fault.ts";
import { Outbox, type Importance } from "../../../../src/control/chat/outbox.ts";

let losses: string[];
let outbox: Outbox;
let stop: AbortController;
let said: { readonly text: string; readonly atMs: number }[];

const say = async (text: string): Promise<void> => void said.push({ text, atMs: performance.now() });
const push = (importance: Importance, ...texts: readonly string[]): void =>
  texts.forEach((text) => outbox.push({ text, importance }));

beforeEach(() => {
  vi.useFakeTimers();
  losses = [];
  said = [];
  stop = new AbortController();
  outbox = new Outbox({ onLoss: (_dropped, why) => void losses.push(why) });
});
afterEach(() => {
  stop.abort();
  vi.useRealTimers();
});

describe("Outbox", () => {
  it("says what comes, in order, with Twitch's pause between two lines", async () => {
    const running = outbox.run(say, stop.signal);
    push("answer", "a", "b");
    await vi.advanceTimersByTimeAsync(1199);
    expect(said.map(({ text }) => text)).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(said.map(({ text }) => text)).toEqual(["a", "b"]);
    stop.abort();
    await running;
  });

  it("drops the least important of what waits, and counts it", () => {
    push("refusal", "no");
    push("answer", ...Array.from({ length: 19 }, (_, index) => `answer ${index}`));
    push("result", "done", "done");
    expect(outbox.dropped).toBe(2);
    expect(losses).toHaveLength(2);
  });

  it("does not say what has waited for half a minute", async () => {
    push("answer", "old");
    await vi.advanceTimersByTimeAsync(31_000);
    push("answer", "new");
    void outbox.run(say, stop.signal);
    await vi.advanceTimersByTimeAsync(5000);
    expect(said.map(({ text }) => text)).toEqual(["new"]);
    expect(losses).toEqual(["they waited too long"]);
  });

  it("goes on after a line that failed, and ends when no other could pass", async () => {
    let calls = 0;
    const failing = async (): Promise<void> => {
      calls += 1;
      throw new Fault(calls === 1 ? "surface-unreachable" : "surface-refused", "no");
    };
    push("answer", "a", "b");
    const running = outbox.run(failing, stop.signal).catch((fault: unknown) => fault);
    await vi.advanceTimersByTimeAsync(2000);
    expect(await running).toMatchObject({ code: "surface-refused" });
    expect(losses).toEqual(["no", "no"]);
  });
});

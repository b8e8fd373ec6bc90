import { describe, expect, it } from "vitest";
import { waitForWallClock } from "../../../src/supervisor/wall-clock.ts";

const sane = Date.UTC(2027, 0, 1);
const signal = new AbortController().signal;

function listen() {
  const reasons: string[] = [];
  const notices: string[] = [];
  return {
    reasons,
    notices,
    hooks: {
      tell: (reason: string) => void reasons.push(reason),
      report: (event: { readonly type: string; readonly text?: string }) =>
        void notices.push(event.text ?? ""),
    },
  };
}

describe("waitForWallClock", () => {
  it("says nothing and does not wait while the clock makes sense", async () => {
    const { hooks, reasons, notices } = listen();
    await waitForWallClock(60_000, hooks, signal, () => sane);
    expect([...reasons, ...notices]).toEqual([]);
  });

  it("waits for a clock that is set later and tells what it waits for", async () => {
    const { hooks, reasons, notices } = listen();
    let asked = 0;
    await waitForWallClock(60_000, hooks, signal, () => ((asked += 1) > 3 ? sane : 0));
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toContain("1970-01-01");
    expect(notices).toEqual([]);
  });

  it("goes on with a warning when nobody sets it", async () => {
    const { hooks, notices } = listen();
    await waitForWallClock(500, hooks, signal, () => 0);
    expect(notices[0]).toContain("still says 1970-01-01");
  });

  it("ends at once when aborted", async () => {
    await waitForWallClock(1e9, listen().hooks, AbortSignal.abort(), () => 0);
  });
});

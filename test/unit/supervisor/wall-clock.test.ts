import { describe, expect, it } from "vitest";
import { waitForWallClock } from "../../../src/supervisor/wall-clock.ts";

const sane = Date.UTC(2027, 0, 1);
const signal = new AbortController().signal;

describe("waitForWallClock", () => {
  it("says nothing and does not wait while the clock makes sense", async () => {
    const notices: unknown[] = [];
    await waitForWallClock(
      60_000,
      (event) => notices.push(event),
      signal,
      () => sane,
    );
    expect(notices).toEqual([]);
  });

  it("waits for a clock that is set later and tells what it waits for", async () => {
    const notices: string[] = [];
    let asked = 0;
    await waitForWallClock(
      60_000,
      (event) => event.type === "notice" && notices.push(event.text),
      signal,
      () => ((asked += 1) > 3 ? sane : 0),
    );
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain("1970-01-01");
  });

  it("goes on with a warning when nobody sets it", async () => {
    const notices: string[] = [];
    await waitForWallClock(
      500,
      (event) => event.type === "notice" && notices.push(event.text),
      signal,
      () => 0,
    );
    expect(notices[1]).toContain("still says 1970-01-01");
  });

  it("ends at once when aborted", async () => {
    await waitForWallClock(
      1e9,
      () => {},
      AbortSignal.abort(),
      () => 0,
    );
  });
});

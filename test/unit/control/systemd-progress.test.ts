import { describe, expect, it } from "vitest";
import { createProgressWatch } from "../../../src/control/systemd-progress.ts";
import type { Status } from "../../../src/domain/status.ts";
import { fullStatus, idleStatus } from "./http/memory-line.ts";

const limitMs = 20_000;

/** A live line after so many pictures in and out. */
function live(received: number, sent: number): Status {
  return {
    ...fullStatus,
    source: { ...fullStatus.source, counters: { ...fullStatus.source.counters, units: received } },
    outputs: fullStatus.outputs.map((output) => ({
      ...output,
      counters: { ...output.counters, units: sent },
    })),
  };
}

/** Whether the line advances at the last of some moments, 10 s from one to the next. */
function judge(...statuses: readonly Status[]): boolean {
  const watch = createProgressWatch(limitMs);
  return statuses.map((status, index) => watch.advances(status, index * 10_000_000)).at(-1) ?? true;
}

/** The same status at five moments: twice the limit. */
const long = (status: Status): boolean => judge(status, status, status, status, status);

describe("the judge of progress", () => {
  it("wants pictures in and out while the line is live", () => {
    expect(judge(live(1, 1), live(2, 2), live(3, 3), live(4, 4))).toBe(true);
    expect(judge(live(1, 1), live(1, 2), live(1, 3), live(1, 4))).toBe(false);
    expect(judge(live(1, 1), live(2, 1), live(3, 1), live(4, 1))).toBe(false);
  });

  it("leaves the supervisor the time to see a stall by itself", () => {
    expect(judge(live(1, 1), live(1, 1), live(1, 1))).toBe(true);
    expect(judge(live(1, 1), live(1, 1), live(1, 1), { ...live(1, 1), phase: "retrying" })).toBe(true);
  });

  it("takes a counter that begins again for progress", () => {
    expect(judge(live(900, 900), live(900, 900), live(3, 3), live(3, 3))).toBe(true);
  });

  it("goes on after a stall when pictures come again", () => {
    expect(judge(live(1, 1), live(1, 1), live(1, 1), live(1, 1), live(2, 2))).toBe(true);
  });

  it("lets the line wait for ever", () => {
    expect(long(idleStatus)).toBe(true);
    expect(long({ ...idleStatus, phase: "starting", desired: "live" })).toBe(true);
    expect(long({ ...idleStatus, phase: "retrying", desired: "live" })).toBe(true);
  });

  it("sees a supervisor that does not do what is wanted", () => {
    expect(long({ ...idleStatus, desired: "live" })).toBe(false);
    expect(long({ ...idleStatus, phase: "stopping" })).toBe(false);
    expect(long({ ...idleStatus, phase: "retrying" })).toBe(false);
    expect(long({ ...fullStatus, desired: "idle" })).toBe(false);
  });
});

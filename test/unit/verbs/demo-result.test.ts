import { describe, expect, it } from "vitest";
import type { Status, StatusEvent } from "../../../src/domain/status.ts";
import type { IngestReport } from "../../../src/simulator/ingest-judge.ts";
import { describeResult, summarizeDemo } from "../../../src/verbs/demo-result.ts";
import { createDemoTally } from "../../../src/verbs/demo-tally.ts";

const rate = (target: number): StatusEvent => ({ type: "rate", rate: { target, ceiling: 8e6, reason: "" } });
const uplink = (delayMs: number): StatusEvent => ({
  type: "uplink",
  name: "one",
  uplink: { delayMs, roundTripMs: 1 },
});

describe("the tally of a demo", () => {
  it("knows nothing before anything has happened", () => {
    expect(createDemoTally().sums()).toEqual({ target: undefined, queueMs: 0, decoded: false });
  });

  it("keeps the least and the last target, the longest delay, and whether any picture was decoded", () => {
    const tally = createDemoTally();
    const path = (path: "copy" | "transcode"): StatusEvent => ({ type: "path", path, reason: "" });
    for (const event of [rate(8e6), uplink(20), rate(1.2e6), uplink(900), rate(3e6), uplink(3)])
      tally.note(event);
    expect(tally.sums()).toEqual({ target: { min: 1.2e6, final: 3e6 }, queueMs: 900, decoded: false });
    for (const event of [path("transcode"), path("copy")]) tally.note(event);
    expect(tally.sums().decoded).toBe(true);
  });
});

describe("the result of a demo", () => {
  const counted = { latencyUs: { p50: 1234, p99: 5678 } };
  const status = {
    phase: "live",
    source: { name: "spot", state: "running", fps: 30, bitsPerSecond: 0, counters: { droppedUnits: 2 } },
    outputs: [{ name: "one", state: "running", counters: counted, queue: { droppedUnits: 3 } }],
  } as unknown as Status;
  const report = {
    ...{ frames: 900, fps: 29.987, mbps: 7.9876, connections: 3 },
    idrSpacingMs: { max: 2033.4 },
  } as unknown as IngestReport;
  const usage = { firstFrameMs: 812.6, cpuSecondsPerMinute: 3.456, rssMb: 101.5 };
  const sums = { target: { min: 1_234_567, final: 3e6 }, queueMs: 899.6, decoded: true };

  it("is what arrived, what was lost anywhere, and what it cost", () => {
    expect(summarizeDemo(status, report, sums, usage)).toEqual({
      ...{ phase: "live", frames: 900, fps: 29.99, mbps: 7.99, dropped: 5 },
      ...{ idrSpacingMs: { max: 2033 }, firstFrameMs: 813, addedLatencyMs: { p50: 1.234, p99: 5.678 } },
      ...{ reconnects: 2, targetMbps: { min: 1.23, final: 3 }, queueMs: { max: 900 } },
      ...{ decoded: true, cpuSecondsPerMinute: 3.46, rssMb: 102 },
    });
  });

  it("has no target where the camera was asked for nothing, and counts no connection as no reconnect", () => {
    const result = summarizeDemo(
      { ...status, outputs: [] },
      { ...report, connections: 0 },
      { ...sums, target: undefined },
      usage,
    );
    expect(result).toMatchObject({ targetMbps: null, reconnects: 0, dropped: 2, addedLatencyMs: { p50: 0 } });
    expect(describeResult(result)).toContain("Asked of the camera: nothing;");
  });

  it("is told to a person in four lines", () => {
    const text = describeResult(summarizeDemo(status, report, sums, usage));
    expect(text.split("\n")).toHaveLength(4);
    expect(text).toContain("at least 1.23, at the end 3 Mbit/s; at most 900 ms waited; 2 reconnects.");
  });
});

import type { Status } from "../domain/status.ts";
import type { IngestReport } from "../simulator/ingest-judge.ts";
import type { DemoSums } from "./demo-tally.ts";

/** The last line of `demo --json`. */
export interface DemoResult {
  readonly phase: Status["phase"];
  readonly frames: number;
  readonly fps: number;
  readonly mbps: number;
  /** Pictures lost anywhere between the camera and the ingest. */
  readonly dropped: number;
  readonly idrSpacingMs: { readonly max: number };
  /** From `start` to the first picture at the ingest. */
  readonly firstFrameMs: number;
  /** Last packet of a picture received to picture handed to the RTMP socket. */
  readonly addedLatencyMs: { readonly p50: number; readonly p99: number };
  /** Times that the ingest had to be connected to anew. */
  readonly reconnects: number;
  /** Asked of the camera; null where its bit rate cannot be set. */
  readonly targetMbps: { readonly min: number; readonly final: number } | null;
  /** Waiting on this side: own queue, socket and kernel. */
  readonly queueMs: { readonly max: number };
  /** Whether any picture was decoded on the way. */
  readonly decoded: boolean;
  /** Of this process alone, while live. */
  readonly cpuSecondsPerMinute: number;
  readonly rssMb: number;
}

/** Puts the figures of a run together. */
export function summarizeDemo(
  status: Status,
  report: IngestReport,
  sums: DemoSums,
  usage: { readonly firstFrameMs: number; readonly cpuSecondsPerMinute: number; readonly rssMb: number },
): DemoResult {
  const [output] = status.outputs;
  const latency = output?.counters?.latencyUs ?? { p50: 0, p99: 0 };
  return {
    phase: status.phase,
    frames: report.frames,
    fps: round(report.fps, 2),
    mbps: round(report.mbps, 2),
    dropped: (status.source.counters?.droppedUnits ?? 0) + (output?.queue?.droppedUnits ?? 0),
    idrSpacingMs: { max: Math.round(report.idrSpacingMs.max) },
    firstFrameMs: Math.round(usage.firstFrameMs),
    addedLatencyMs: { p50: round(latency.p50 / 1000, 3), p99: round(latency.p99 / 1000, 3) },
    reconnects: Math.max(0, report.connections - 1),
    targetMbps:
      sums.target === undefined
        ? null
        : { min: round(sums.target.min / 1e6, 2), final: round(sums.target.final / 1e6, 2) },
    queueMs: { max: Math.round(sums.queueMs) },
    decoded: sums.decoded,
    cpuSecondsPerMinute: round(usage.cpuSecondsPerMinute, 2),
    rssMb: Math.round(usage.rssMb),
  };
}

/** The same for a person. */
export function describeResult(r: DemoResult): string {
  return [
    `${r.frames} pictures arrived, ${r.fps} fps, ${r.mbps} Mbit/s, ${r.dropped} dropped, IDR at most every ${r.idrSpacingMs.max} ms.`,
    `First picture after ${r.firstFrameMs} ms; added latency ${r.addedLatencyMs.p50} ms (p99 ${r.addedLatencyMs.p99} ms).`,
    `Asked of the camera: ${r.targetMbps === null ? "nothing" : `at least ${r.targetMbps.min}, at the end ${r.targetMbps.final} Mbit/s`}; at most ${r.queueMs.max} ms waited; ${r.reconnects} reconnects.`,
    `spotlive used ${r.cpuSecondsPerMinute} CPU-seconds a minute and ${r.rssMb} MB.`,
  ].join("\n");
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

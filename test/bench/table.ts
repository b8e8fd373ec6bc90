import { readFileSync } from "node:fs";
import { arch, cpus, loadavg, release, totalmem, type } from "node:os";
import type { Result } from "./measure.ts";
import { describeRow } from "./rows.ts";
import type { Row } from "./rows.ts";

export interface MeasuredRow {
  readonly row: Row;
  readonly results: readonly Result[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  readonly loadBefore: number;
}

export function describeMachine(): Machine {
  const model = cpus()[0]?.model.trim() ?? "";
  return {
    cpu: model === "" ? boardModel() : model,
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: `${type()} ${release()} ${arch()}`,
    node: process.version,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

/** Small boards name themselves here and not in the list of processors. */
function boardModel(): string {
  try {
    return readFileSync("/proc/device-tree/model", "latin1").replaceAll("\0", "");
  } catch {
    return "unknown";
  }
}

export function formatMachine(machine: Machine): string {
  const { cpu, cores, memoryGb, kernel, node, loadBefore } = machine;
  return `${cpu}, ${cores} cores, ${memoryGb} GB; ${kernel}; Node ${node}; load before the run ${loadBefore}.`;
}

const heads = [
  "row",
  "spotlive",
  "webrtcbin",
  "UDP hop",
  "floor",
  "/ webrtcbin",
  "/ hop",
  "/ floor",
  "peak MB (webrtcbin, hop)",
  "latency p50 / p99 ms",
];

/** CPU-seconds per minute of stream, and spotlive's as a share of the others'. */
export function formatTable(measured: readonly MeasuredRow[]): string {
  const lines = measured.map(({ row, results }) => {
    const [spotlive, webrtcbin, hop] = ["spotlive", "webrtcbin", "hop"].map((name) => find(results, name));
    const cells = [
      describeRow(row),
      number(cpuOf(spotlive)),
      number(cpuOf(webrtcbin)),
      number(cpuOf(hop)),
      number(floorOf(hop)),
      number(ratio(cpuOf(spotlive), cpuOf(webrtcbin))),
      number(ratio(cpuOf(spotlive), cpuOf(hop))),
      number(ratio(cpuOf(spotlive), floorOf(hop))),
      `${megabytes(spotlive)} (${megabytes(webrtcbin)}, ${megabytes(hop)})`,
      `${number(spotlive?.latencyMs?.p50)} / ${number(spotlive?.latencyMs?.p99)}`,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [`| ${heads.join(" | ")} |`, `|${heads.map(() => "---").join("|")}|`, ...lines].join("\n");
}

/** What the table does not show: failures, and what a second output costs. */
export function formatRemarks(measured: readonly MeasuredRow[]): string[] {
  return measured.flatMap(({ row, results }) => {
    const failures = results.flatMap(({ candidate, failure }) =>
      failure === undefined ? [] : [`FAILED: ${candidate} in ${describeRow(row)}: ${failure}`],
    );
    const two = ratio(cpuOf(find(results, "spotlive")), cpuOf(find(results, "spotlive-one-output")));
    return two === undefined ? failures : [...failures, `Two outputs cost ${two.toFixed(2)} times one.`];
  });
}

interface Expectation {
  readonly text: string;
  readonly row: string;
  readonly limit: number;
  readonly measured: (results: readonly Result[]) => number | undefined;
}

const toWebrtcbin = (results: readonly Result[]): number | undefined =>
  ratio(cpuOf(find(results, "spotlive")), cpuOf(find(results, "webrtcbin")));
const ours = (pick: (result: Result) => number | undefined) => (results: readonly Result[]) => {
  const found = find(results, "spotlive");
  return found === undefined || found.failure !== undefined ? undefined : pick(found);
};

/** At 1080p30 and 8 Mbit/s on two x86 cores. Ratios hold on any machine, times only on one like it. */
const expectations: readonly Expectation[] = [
  { row: "8-burst", limit: 1.6, text: "CPU-seconds per minute, burst", measured: ours(({ cpu }) => cpu) },
  { row: "8-burst", limit: 0.7, text: "of webrtcbin's, burst", measured: toWebrtcbin },
  { row: "8-spread", limit: 0.7, text: "of webrtcbin's, spread", measured: toWebrtcbin },
  {
    row: "8-burst",
    limit: 120,
    text: "MB of memory at the peak",
    measured: ours(({ peakRssMb }) => peakRssMb),
  },
  { row: "8-burst", limit: 1, text: "ms added, median", measured: ours(({ latencyMs }) => latencyMs?.p50) },
  {
    row: "8-burst",
    limit: 10,
    text: "ms added, 99 of 100",
    measured: ours(({ latencyMs }) => latencyMs?.p99),
  },
];

export function formatExpectations(measured: readonly MeasuredRow[]): string[] {
  return expectations.flatMap(({ row: name, limit, text, measured: read }) => {
    const found = measured.find(({ row }) => row.name === name);
    if (found === undefined) return [];
    const value = read(found.results);
    if (value === undefined) return [`not measured: at most ${limit} ${text}`];
    return [`${value <= limit ? "met" : "not met"}: at most ${limit} ${text}: ${value.toFixed(2)}`];
  });
}

function find(results: readonly Result[], name: string): Result | undefined {
  return results.find(({ candidate }) => candidate === name);
}

function cpuOf(result: Result | undefined): number | undefined {
  return result?.failure === undefined ? result?.cpu : undefined;
}

/** The hop's ffmpeg alone: plain RTP into `ffmpeg -c copy`. */
function floorOf(hop: Result | undefined): number | undefined {
  return hop?.failure === undefined ? hop?.cpuByProcess["ffmpeg"] : undefined;
}

function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b;
}

function number(value: number | undefined): string {
  return value === undefined ? "failed" : value.toFixed(2);
}

function megabytes(result: Result | undefined): string {
  return result === undefined || result.failure !== undefined
    ? "failed"
    : String(Math.round(result.peakRssMb));
}

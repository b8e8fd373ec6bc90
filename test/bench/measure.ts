import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { toFault } from "../../src/domain/fault.ts";
import { startSimulation } from "../../src/verbs/simulation-child.ts";
import type { SimulationEvent } from "../../src/verbs/simulate-run.ts";
import type { NginxRtmp } from "../helpers/nginx.ts";
import { startHop, startSpotlive, startWebrtcbin } from "./candidates.ts";
import type { Candidate, Job, Latency } from "./candidates.ts";
import { ProcessMeter } from "./process-meter.ts";
import { countPictures } from "./recording.ts";
import type { Delivery } from "./recording.ts";
import type { Row, Timing } from "./rows.ts";

/** What one candidate cost in one row. With a `failure` no figure of it counts. */
export interface Result {
  readonly candidate: string;
  readonly failure?: string;
  /** CPU-seconds per minute of stream, all processes: the median of the windows, and each window. */
  readonly cpu: number;
  readonly cpuWindows: readonly number[];
  readonly cpuByProcess: Readonly<Record<string, number>>;
  /** How often a second one of its threads was put on a core: tells bursts from single packets. */
  readonly turnsPerSecond: number;
  /** Peak resident memory of all its processes together, MB of 1,000,000 bytes. */
  readonly peakRssMb: number;
  /** The median of the readings after each window, milliseconds. */
  readonly latencyMs?: Latency;
  readonly deliveries: Readonly<Record<string, Delivery>>;
}

interface Observation {
  readonly candidate: Candidate;
  readonly meters: Readonly<Record<string, ProcessMeter>>;
  readonly windows: Record<string, number>[];
  readonly turns: number[];
  readonly latencies: Latency[];
  peakRssBytes: number;
  failure?: string;
}

const robotLimitMs = 120_000;
const publishLimitMs = 40_000;
const recordingLimitMs = 10_000;
/** A share of the pictures below which a candidate has not done the job. */
const leastDelivered = 0.97;

/**
 * Runs all candidates of a row at the same time on one robot and measures them in the same windows. `first` says that
 * nothing was started yet.
 */
export async function measureRow(
  row: Row,
  timing: Timing,
  nginx: NginxRtmp,
  first: boolean,
  signal: AbortSignal,
): Promise<Result[]> {
  const directory = await mkdtemp(join(tmpdir(), "spotlive-bench-"));
  try {
    await using candidates = new AsyncDisposableStack();
    const { bitrate, fps, arrival } = row;
    const up = Promise.withResolvers<Extract<SimulationEvent, { event: "robot" }>>();
    const onEvent = (event: SimulationEvent): void => {
      if (event.event === "robot") up.resolve(event);
    };
    const robot = candidates.use(await startSimulation("robot", { bitrate, fps, arrival }, onEvent, signal));
    const limit = sleep(robotLimitMs, undefined, { signal, ref: false }).then(() => {
      throw new Error("the simulated robot did not start");
    });
    const { address, username, password } = await Promise.race([up.promise, limit, ended(robot.done)]);
    const job: Job = { robot: address, username, password, ingest: nginx.url, directory, signal };

    if (first) await startOnce(job, nginx);
    const observed: Observation[] = [];
    for (const start of startersFor(row)) {
      const candidate = candidates.use(await start(job));
      observed.push(observe(candidate));
    }
    await Promise.all(observed.map((one) => awaitPublished(one, nginx, signal)));
    await sleep(timing.warmUpSeconds * 1000, undefined, { signal });
    for (let window = 0; window < timing.windows; window += 1)
      await watchWindow(observed, timing.windowSeconds, signal);
    for (const one of observed) finish(one);
    await candidates.disposeAsync();

    const measuredSeconds = timing.windowSeconds * timing.windows;
    const results: Result[] = [];
    for (const one of observed) results.push(await judge(one, nginx, fps, measuredSeconds));
    return results;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The very first start compiles all sources and takes 25 MB more; every later one finds them in the cache. */
async function startOnce(job: Job, nginx: NginxRtmp): Promise<void> {
  await using candidate = await startSpotlive(job, "first-start", 1);
  await awaitPublished(observe(candidate), nginx, job.signal);
}

function startersFor({ outputs }: Row): readonly ((job: Job) => Promise<Candidate>)[] {
  const beside = (job: Job): Promise<Candidate> => startSpotlive(job, "spotlive-one-output", 1);
  return [
    (job) => startSpotlive(job, "spotlive", outputs),
    ...(outputs > 1 ? [beside] : []),
    startWebrtcbin,
    startHop,
  ];
}

function observe(candidate: Candidate): Observation {
  const meters = Object.fromEntries(
    Object.entries(candidate.processes).map(([name, pid]) => [name, new ProcessMeter(pid)]),
  );
  const one: Observation = { candidate, meters, windows: [], turns: [], latencies: [], peakRssBytes: 0 };
  candidate.done.then(
    () => (one.failure ??= "ended by itself"),
    (error: unknown) => (one.failure ??= toFault(error).message),
  );
  return one;
}

async function awaitPublished(one: Observation, nginx: NginxRtmp, signal: AbortSignal): Promise<void> {
  const isThere = (key: string): boolean => nginx.publishes.some((fields) => fields.get("name") === key);
  const until = performance.now() + publishLimitMs;
  while (one.failure === undefined && !one.candidate.streamKeys.every(isThere)) {
    if (performance.now() > until) one.failure = `published nothing within ${publishLimitMs / 1000} s`;
    await sleep(50, undefined, { signal });
  }
}

/** One window for all candidates: the meters are read each second, so that threads that end are counted. */
async function watchWindow(
  observed: readonly Observation[],
  seconds: number,
  signal: AbortSignal,
): Promise<void> {
  const running = observed.filter(({ failure }) => failure === undefined);
  const before = running.map(readMeters);
  const beganMs = performance.now();
  let after = before;
  for (let second = 1; second <= seconds; second += 1) {
    await sleep(beganMs + second * 1000 - performance.now(), undefined, { signal });
    after = running.map(readMeters);
  }
  const minutes = (performance.now() - beganMs) / 60_000;
  for (const [index, one] of running.entries()) {
    const [from, to] = [before[index], after[index]];
    if (from === undefined || to === undefined) continue;
    const used = Object.entries(to.cpuNs).map(([name, ns]) => [
      name,
      (ns - (from.cpuNs[name] ?? 0)) / 1e9 / minutes,
    ]);
    one.windows.push(Object.fromEntries(used) as Record<string, number>);
    one.turns.push((to.turns - from.turns) / (minutes * 60));
    const latency = await one.candidate.latency?.().catch(() => undefined);
    if (latency !== undefined) one.latencies.push(latency);
  }
}

interface Reading {
  readonly cpuNs: Readonly<Record<string, number>>;
  readonly turns: number;
}

function readMeters(one: Observation): Reading {
  const cpuNs: Record<string, number> = {};
  let turns = 0;
  for (const [name, meter] of Object.entries(one.meters)) {
    try {
      const usage = meter.read();
      cpuNs[name] = usage.cpuNs;
      turns += usage.turns;
    } catch {
      one.failure ??= `its process ${name} ended`;
    }
  }
  return { cpuNs, turns };
}

function finish(one: Observation): void {
  one.failure ??= ""; // from here on its end is ours
  if (one.failure !== "") return;
  for (const meter of Object.values(one.meters)) one.peakRssBytes += meter.peakRssBytes;
}

async function judge(
  one: Observation,
  nginx: NginxRtmp,
  fps: number,
  measuredSeconds: number,
): Promise<Result> {
  const deliveries: Record<string, Delivery> = {};
  let failure = one.failure ?? "";
  for (const key of failure === "" ? one.candidate.streamKeys : []) {
    const late = sleep(recordingLimitMs, undefined, { ref: false });
    const path = await Promise.race([nginx.recording(key), late]);
    const delivery = path === undefined ? undefined : await countPictures(path);
    if (path !== undefined) await rm(path);
    if (delivery !== undefined) deliveries[key] = delivery;
    failure ||= complain(delivery, fps, measuredSeconds);
  }
  const sums = one.windows.map((window) => Object.values(window).reduce((sum, value) => sum + value, 0));
  const names = Object.keys(one.meters);
  return {
    candidate: one.candidate.name,
    ...(failure !== "" && { failure }),
    cpu: median(sums),
    cpuWindows: sums,
    cpuByProcess: Object.fromEntries(
      names.map((name) => [name, median(one.windows.map((window) => window[name] ?? 0))]),
    ),
    turnsPerSecond: median(one.turns),
    peakRssMb: one.peakRssBytes / 1e6,
    ...(one.latencies.length > 0 && {
      latencyMs: {
        p50: median(one.latencies.map(({ p50 }) => p50)) / 1000,
        p99: median(one.latencies.map(({ p99 }) => p99)) / 1000,
      },
    }),
    deliveries,
  };
}

/** A candidate that did not deliver is not cheap, it has failed. */
function complain(delivery: Delivery | undefined, fps: number, measuredSeconds: number): string {
  if (delivery === undefined) return "its recording was never finished";
  const { frames, seconds } = delivery;
  if (seconds < measuredSeconds) return `delivered only ${seconds.toFixed(1)} s of pictures`;
  const share = (frames - 1) / (seconds * fps);
  if (share < leastDelivered) return `delivered only ${Math.round(share * 100)} % of the pictures`;
  return "";
}

async function ended(done: Promise<void>): Promise<never> {
  await done;
  throw new Error("the simulated robot ended by itself");
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 0 ? ((sorted[middle - 1] ?? 0) + upper) / 2 : upper;
}

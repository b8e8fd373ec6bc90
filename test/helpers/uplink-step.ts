import { setTimeout as sleep } from "node:timers/promises";
import { hasSent } from "./appliance.ts";
import { traceJourneys } from "./delivery.ts";
import type { Growth, Journey } from "./delivery.ts";
import { judgeRecording } from "./judge.ts";
import type { Verdict } from "./judge.ts";
import { openUplinkLine, outputName } from "./uplink-line.ts";
import type { Sample } from "./uplink-line.ts";

/** A camera at 8 Mbit/s behind an uplink of 8, then 1.5, then 8 Mbit/s again. */
export const step = { fastRate: 8e6, slowRate: 1.5e6, camera: { width: 1280, height: 720, bitrate: 8e6 } };
/** What is left of a packet of 1514 bytes, as the uplink counts it, for RTMP; payload is what a target is compared with. */
export const payloadShare = 1448 / 1514;

export interface StepTiming {
  readonly fastSeconds: number;
  readonly slowSeconds: number;
  readonly againSeconds: number;
}

export interface StepRun {
  /** When the uplink became slow, when it was fast again, and the end; `performance.now()`, as all times here. */
  readonly slowMs: number;
  readonly againMs: number;
  readonly endMs: number;
  readonly samples: readonly Sample[];
  readonly growth: readonly Growth[];
  readonly journeys: readonly Journey[];
  readonly verdict: Verdict;
  /** Connections that the ingest took. */
  readonly connections: number;
}

/** Runs the step test on a line of its own: a robot and spotlive before the uplink, nginx behind it. */
export async function runStep(
  { fastSeconds, slowSeconds, againSeconds }: StepTiming,
  signal = new AbortController().signal,
): Promise<StepRun> {
  await using line = await openUplinkLine({ rate: step.fastRate, robot: step.camera });
  await line.appliance.until("it is live", hasSent(60), 60_000);
  await sleep(fastSeconds * 1000, undefined, { signal });
  const slowMs = performance.now();
  await line.uplink.setRate(step.slowRate);
  await sleep(slowSeconds * 1000, undefined, { signal });
  const againMs = performance.now();
  await line.uplink.setRate(step.fastRate);
  await sleep(againSeconds * 1000, undefined, { signal });
  const endMs = performance.now();
  const connections = await line.connections();
  await line.appliance.terminate();
  const log = await line.cameraLog();
  const file = await line.nginx.recording(outputName);
  const verdict = await judgeRecording(file);
  const journeys = await traceJourneys(file, verdict.numbers, line.growth, log);
  const { samples, growth } = line;
  return { slowMs, againMs, endMs, samples, growth, journeys, verdict, connections };
}

/** What the expectations are about. */
export interface StepFigures {
  /** From the first picture that waits for 500 ms to a lower target. */
  readonly reactionMs: number;
  /** From the same moment to a target below what the slow uplink carries. */
  readonly belowMs: number;
  /** From the uplink's return to a target of 90 % of what it carries. */
  readonly recoveryMs: number;
  /** From the camera to the ingest's recording. */
  readonly delayMs: { readonly max: number; readonly p50: number };
  /** The target over the steady part of the slow time, as a share of what the uplink carries. */
  readonly steadyShare: {
    readonly least: number;
    readonly p5: number;
    readonly p95: number;
    readonly most: number;
    /** The part of that time in which it was within 10 %. */
    readonly within10: number;
  };
  readonly droppedPictures: number;
}

const longQueueMs = 500;
/** The first this many seconds of the slow time are not steady. */
const settlingMs = 20_000;

export function readFigures(run: StepRun): StepFigures {
  const { slowMs, againMs, samples, journeys } = run;
  const [slow, fast] = [step.slowRate * payloadShare, step.fastRate * payloadShare];
  const targets = samples.flatMap(({ atMs, status }) =>
    status.rate === undefined ? [] : [{ atMs, target: status.rate.target }],
  );
  const before = targets.findLast(({ atMs }) => atMs < slowMs)?.target ?? Infinity;
  const when = (fromMs: number, wanted: (target: number) => boolean): number =>
    targets.find(({ atMs, target }) => atMs >= fromMs && wanted(target))?.atMs ?? Infinity;
  const late = journeys.find(
    ({ sentMs, arrivedMs }) => arrivedMs > slowMs && arrivedMs - sentMs > longQueueMs,
  );
  const lateMs = Math.max(slowMs, (late?.sentMs ?? slowMs) + longQueueMs);
  const delays = journeys.map(({ sentMs, arrivedMs }) => arrivedMs - sentMs).toSorted((a, b) => a - b);
  const steady = targets.filter(({ atMs }) => atMs >= slowMs + settlingMs && atMs < againMs);
  const shares = steady.map(({ target }) => target / slow).toSorted((a, b) => a - b);
  const within10 = shares.filter((one) => Math.abs(one - 1) <= 0.1).length / shares.length;
  const share = (part: number): number => shares[Math.round(part * (shares.length - 1))] ?? 0;
  return {
    reactionMs: when(slowMs, (target) => target < before) - lateMs,
    belowMs: when(slowMs, (target) => target < slow) - lateMs,
    recoveryMs: when(againMs, (target) => target >= fast * 0.9) - againMs,
    delayMs: { max: delays.at(-1) ?? Infinity, p50: delays[delays.length >> 1] ?? Infinity },
    steadyShare: { least: share(0), p5: share(0.05), p95: share(0.95), most: share(1), within10 },
    droppedPictures: samples.at(-1)?.status.outputs[0]?.queue?.droppedUnits ?? 0,
  };
}

/** Each new target, Mbit/s, with its second after `zeroMs`. */
export function describeTargets(samples: readonly Sample[], zeroMs: number): string {
  const target = ({ status }: Sample): number => status.rate?.target ?? 0;
  const changes = samples.filter((sample, at) => {
    const before = samples[at - 1];
    return before === undefined || target(before) !== target(sample);
  });
  return changes
    .map((sample) => `${((sample.atMs - zeroMs) / 1000).toFixed(1)} s: ${(target(sample) / 1e6).toFixed(2)}`)
    .join(", ");
}

import type { Sample } from "../../domain/sample.ts";
import type { Status } from "../../domain/status.ts";
import { nowUs } from "../../lib/clock.ts";

/** The last ten minutes. */
export interface History {
  /** The newest last. */
  readonly samples: readonly Sample[];
  /** Tells of every new sample until the signal aborts. */
  subscribe(listener: (sample: Sample) => void, signal: AbortSignal): void;
}

export const stepSeconds = 1;
const mostSamples = 600;

/** Looks at the status once a second until `signal` aborts. */
export function startHistory(status: () => Status, signal: AbortSignal): History {
  const samples: Sample[] = [];
  const listeners = new Set<(sample: Sample) => void>();
  const sampler = createSampler();
  if (!signal.aborted) {
    const timer = setInterval(() => {
      const sample = sampler(status(), nowUs(), Date.now());
      samples.push(sample);
      if (samples.length > mostSamples) samples.shift();
      for (const listener of listeners) listener(sample);
    }, stepSeconds * 1000);
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }
  return {
    samples,
    subscribe(listener, until) {
      if (until.aborted) return;
      listeners.add(listener);
      until.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
}

/** Makes samples of one status after the other: what is counted becomes a rate. */
export function createSampler(): (status: Status, atUs: number, t: number) => Sample {
  let before: { readonly dropped: number; readonly lost: number; readonly atUs: number } | undefined;
  return (status, atUs, t) => {
    const { source, outputs, rate, health } = status;
    const queued = outputs.reduce((sum, { queue }) => sum + (queue?.droppedUnits ?? 0), 0);
    const dropped = (source.counters?.droppedUnits ?? 0) + queued;
    const lost = source.counters?.lostPackets ?? 0;
    const seconds = before === undefined ? 0 : (atUs - before.atUs) / 1_000_000;
    const perSecond = (now: number, then: number): number => (seconds > 0 ? grown(now, then) / seconds : 0);
    const uplinks = outputs.flatMap(({ uplink }) => uplink ?? []);
    const temperatures = (health?.items ?? []).flatMap(({ kind, value }) =>
      kind === "temperature" && value !== undefined ? [value] : [],
    );
    const sample = {
      t,
      bitsPerSecond: source.bitsPerSecond,
      target: rate?.target ?? null,
      capacity: extreme(
        Math.min,
        uplinks.flatMap(({ capacity }) => capacity ?? []),
      ),
      delayMs: extreme(
        Math.max,
        uplinks.map(({ delayMs }) => delayMs),
      ),
      fps: source.fps,
      droppedPerSecond: perSecond(dropped, before?.dropped ?? 0),
      lostPerSecond: perSecond(lost, before?.lost ?? 0),
      rttMs: extreme(
        Math.max,
        uplinks.map(({ roundTripMs }) => roundTripMs),
      ),
      temperature: extreme(Math.max, temperatures),
    };
    before = { dropped, lost, atUs };
    return sample;
  };
}

/** A new session counts from 0 again. */
const grown = (now: number, then: number): number => (now >= then ? now - then : now);

const extreme = (choose: (...values: number[]) => number, values: readonly number[]): number | null =>
  values.length === 0 ? null : choose(...values);

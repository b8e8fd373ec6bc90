import type { Counter, Gauge, Registry } from "prom-client";
import type { Preview } from "../../domain/preview.ts";
import type { SurfaceContext } from "../surface.ts";
import type { Feed } from "./feed.ts";
import { previewRows } from "./metric-rows-preview.ts";
import { rows } from "./metric-rows.ts";
import type { MetricSources, Row } from "./metric-rows.ts";

export interface Metrics {
  readonly contentType: string;
  /** Everything at this moment, in Prometheus text format. */
  text(): Promise<string>;
}

export interface MetricsOptions {
  readonly context: SurfaceContext;
  readonly feed: Feed;
  readonly version: string;
  readonly preview: Preview | undefined;
}

/**
 * A registry of its own whose values are read from the status when somebody asks. Only faults are counted as they
 * come, until `signal` aborts.
 */
export async function createMetrics(
  { context, feed, version, preview }: MetricsOptions,
  signal: AbortSignal,
): Promise<Metrics> {
  const { Counter, Gauge, Registry } = await import("prom-client");
  const registry = new Registry();
  const registers = [registry];
  const build = { name: "spotlive_build_info", help: "The versions of spotlive and Node.", registers };
  new Gauge({ ...build, labelNames: ["version", "node_version"] }).set(
    { version, node_version: process.version },
    1,
  );
  countFaults(registry, Counter, context, signal);
  const filled = [...rows, ...previewRows].map((row) => {
    const { name, help, label, kind } = row;
    const configuration = {
      name: `spotlive_${name}`,
      help,
      labelNames: label === undefined ? [] : [label],
      registers,
    };
    const metric = kind === "counter" ? new Counter(configuration) : new Gauge(configuration);
    return { row, metric };
  });
  return {
    contentType: registry.contentType,
    async text() {
      const sources = { status: context.status(), feed, preview: preview?.counters };
      for (const { row, metric } of filled) fill(row, metric, sources);
      return await registry.metrics();
    },
  };
}

/** What is counted elsewhere since a session began is taken over as it is: a new session is a counter reset. */
function fill(row: Row, metric: Counter | Gauge, sources: MetricSources): void {
  metric.reset();
  for (const [value, name] of row.read(sources)) {
    if (value === undefined) continue;
    const labels = row.label === undefined || name === undefined ? {} : { [row.label]: name };
    metric.inc(labels, value);
  }
}

/** The reason is a fault code, of which there are few. */
function countFaults(
  registry: Registry,
  CounterClass: typeof Counter,
  context: SurfaceContext,
  signal: AbortSignal,
): void {
  const counterOf = (label: "source" | "output"): Counter =>
    new CounterClass({
      name: `spotlive_${label}_faults_total`,
      help: `Times at which the ${label} failed, by the code of the fault.`,
      labelNames: [label, "reason"],
      registers: [registry],
    });
  const counters = { source: counterOf("source"), output: counterOf("output") };
  context.subscribe((event) => {
    if (event.type !== "source" && event.type !== "output") return;
    if (event.fault === undefined || (event.state !== "waiting" && event.state !== "failed")) return;
    counters[event.type].inc({ [event.type]: event.name, reason: event.fault.code });
  }, signal);
}

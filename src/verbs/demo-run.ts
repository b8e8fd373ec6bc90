import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { Fault } from "../domain/fault.ts";
import { Secret } from "../domain/secret.ts";
import type { Status } from "../domain/status.ts";
import { createMask } from "../lib/log.ts";
import { childSignal } from "../lib/retry.ts";
import { configuredState, createLine } from "../parts.ts";
import type { IngestReport } from "../simulator/ingest-judge.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { createDisplay, describeStatus } from "./demo-display.ts";
import type { SimulationEvent } from "./simulate-run.ts";
import { startSimulation } from "./simulation-child.ts";

export interface DemoOptions {
  /** Ends after this many seconds; undefined: at SIGINT. */
  readonly seconds: number | undefined;
  readonly json: boolean;
  print(line: string): void;
}

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
  /** Of this process alone, while live. */
  readonly cpuSecondsPerMinute: number;
  readonly rssMb: number;
}

type Event<Name extends SimulationEvent["event"]> = Extract<SimulationEvent, { event: Name }>;

const startLimitMs = 120_000;
const displayMs = 1000;

/** The whole line on one machine: a simulated robot and an ingest, each a process of its own, and spotlive here. */
export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<void> {
  using scope = childSignal(signal);
  const say = (line: string): void => {
    if (!options.json) options.print(line);
  };
  say(
    "Starting a simulated robot (the first time its picture is made, which takes some seconds) and an ingest.",
  );
  const robotUp = Promise.withResolvers<Event<"robot">>();
  const ingestUp = Promise.withResolvers<Event<"ingest">>();
  const firstFrame = Promise.withResolvers<number>();
  let report: IngestReport | undefined;
  let finalReport = Promise.withResolvers<void>();
  const onEvent = (event: SimulationEvent): void => {
    switch (event.event) {
      case "robot":
        return robotUp.resolve(event);
      case "ingest":
        return ingestUp.resolve(event);
      case "first-frame":
        return firstFrame.resolve(performance.now());
      case "report":
        report = event.report;
        finalReport.resolve();
        finalReport = Promise.withResolvers();
    }
  };
  await using robot = await startSimulation("robot", {}, onEvent, scope.signal);
  await using ingest = await startSimulation("ingest", {}, onEvent, scope.signal);
  const died = Promise.race([robot.done, ingest.done]).then(() => {
    if (!scope.signal.aborted) throw new Fault("child-failed", "A simulator ended by itself.");
  });
  died.catch(() => {});
  const up = await Promise.race([Promise.all([robotUp.promise, ingestUp.promise]), died, limit()]);
  if (up === undefined) return;

  const [{ address, username, password }, { url }] = up;
  say(`Robot: gRPC port ${address.grpcPort}, camera port ${address.cameraPort}. Ingest: ${url}`);
  const config = demoConfig(address, { username, password: new Secret(password) }, url);
  const supervisor = createSupervisor({
    createLine: (early) => createLine(config, early, createMask()),
    initial: configuredState(config),
    report: (event) => {
      if (event.type === "phase") say(`${event.phase}: ${event.reason}`);
      if (event.type === "notice") say(`notice: ${event.text}`);
    },
    remember: () => Promise.resolve(),
    prepare: () => Promise.resolve(),
  });
  using running = childSignal(scope.signal);
  const line = supervisor.run(running.signal);
  const startedAt = performance.now();
  await supervisor.submit({ id: "demo", command: { kind: "start" }, origin: "demo" });
  const first = await Promise.race([firstFrame.promise, died, limit(), stopped(scope.signal)]);
  if (first === undefined) {
    running.abort();
    await line;
    if (signal.aborted) return;
    throw new Fault("internal", `No picture reached the ingest: ${supervisor.status().reason}`);
  }
  const usage = await watch(supervisor, () => report, options, [died, stopped(scope.signal)]);
  const status = supervisor.status();
  await finalReport.promise;
  running.abort();
  await line;
  if (report === undefined) throw new Fault("internal", "The ingest gave no report.");
  const result = summarizeDemo(status, report, { firstFrameMs: first - startedAt, ...usage });
  for (const remark of report.remarks) say(`Twitch would mind: ${remark}`);
  options.print(options.json ? JSON.stringify(result) : describeResult(result));
  if (result.phase !== "live")
    throw new Fault("internal", `The line was not live at the end: ${status.reason}`);
}

/** Shows the line until the time is over and gives what this process used meanwhile. */
async function watch(
  supervisor: Supervisor,
  report: () => IngestReport | undefined,
  options: DemoOptions,
  ends: readonly Promise<unknown>[],
): Promise<{ readonly cpuSecondsPerMinute: number; readonly rssMb: number }> {
  const display = createDisplay(options.json ? undefined : options.print);
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  let peakRss = 0;
  const timer = setInterval(() => {
    peakRss = Math.max(peakRss, process.memoryUsage.rss());
    display.show(describeStatus(supervisor.status(), report()));
  }, displayMs);
  let end: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    if (options.seconds !== undefined) end = setTimeout(resolve, options.seconds * 1000);
  });
  try {
    await Promise.race([over, ...ends]);
  } finally {
    clearInterval(timer);
    clearTimeout(end);
    display.end();
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const minutes = (performance.now() - before) / 60_000;
  return { cpuSecondsPerMinute: (user + system) / 1e6 / minutes, rssMb: peakRss / 1e6 };
}

function summarizeDemo(
  status: Status,
  report: IngestReport,
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
    cpuSecondsPerMinute: round(usage.cpuSecondsPerMinute, 2),
    rssMb: Math.round(usage.rssMb),
  };
}

function describeResult(r: DemoResult): string {
  return [
    `${r.frames} pictures arrived, ${r.fps} fps, ${r.mbps} Mbit/s, ${r.dropped} dropped, IDR at most every ${r.idrSpacingMs.max} ms.`,
    `First picture after ${r.firstFrameMs} ms; added latency ${r.addedLatencyMs.p50} ms (p99 ${r.addedLatencyMs.p99} ms).`,
    `spotlive used ${r.cpuSecondsPerMinute} CPU-seconds a minute and ${r.rssMb} MB.`,
  ].join("\n");
}

function demoConfig(
  address: Event<"robot">["address"],
  login: { readonly username: string; readonly password: Secret },
  url: string,
): Config {
  return {
    source: {
      kind: "spot",
      host: address.host,
      port: address.grpcPort,
      cameraHost: address.host,
      cameraPort: address.cameraPort,
      login: { kind: "password", ...login },
      tls: { kind: "fingerprint", sha256: address.grpcFingerprint256 },
      cameraTls: { kind: "fingerprint", sha256: address.cameraFingerprint256 },
      bitrate: undefined,
      idrSeconds: 2,
      onLoss: "freeze",
    },
    outputs: [{ kind: "rtmp", name: "ingest", url, streamKey: new Secret("demo-stream-key"), ca: undefined }],
    audio: "silent",
    queue: { bytes: 32 * 1024 * 1024, milliseconds: 3000 },
    presets: {},
    http: undefined,
    mqtt: undefined,
    chat: undefined,
    stallSeconds: 10,
    autostart: "never",
    clockWaitSeconds: 0,
    stateDirectory: join(tmpdir(), "spotlive-demo"),
    socketPath: join(tmpdir(), "spotlive-demo.sock"),
    logLevel: "info",
  };
}

async function limit(): Promise<undefined> {
  await new Promise((resolve) => setTimeout(resolve, startLimitMs).unref());
  return undefined;
}

async function stopped(signal: AbortSignal): Promise<undefined> {
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  return undefined;
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

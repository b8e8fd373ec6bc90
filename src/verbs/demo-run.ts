import type { Config } from "../config/config.ts";
import { createJournal } from "../control/journal.ts";
import type { SurfaceContext } from "../control/surface.ts";
import { Fault } from "../domain/fault.ts";
import type { Report, StatusEvent } from "../domain/status.ts";
import { createEventBus } from "../lib/events.ts";
import { createLog, createMask } from "../lib/log.ts";
import { childSignal, untilAborted } from "../lib/signals.ts";
import { configuredState, createConfiguredPreview, createLine } from "../parts.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { createSurfaces } from "../surfaces.ts";
import { demoConfig, deviceId } from "./demo-config.ts";
import { createDisplay, describeStatus } from "./demo-display.ts";
import { describeResult, summarizeDemo } from "./demo-result.ts";
import { startSimulators } from "./demo-simulators.ts";
import type { Simulators } from "./demo-simulators.ts";
import { createDemoTally } from "./demo-tally.ts";
import { openDemoUplink } from "./demo-uplink.ts";

export interface DemoOptions {
  /** Ends after this many seconds; undefined: at SIGINT. */
  readonly seconds: number | undefined;
  /** Measures: one JSON line at the end, and nothing but the line itself runs, so no MQTT and no page. */
  readonly json: boolean;
  /** The line before the ingest; this process then runs in the near namespace, and `outside` is the one it must not touch. */
  readonly uplink: { readonly bitsPerSecond: number; readonly outside: string } | undefined;
  print(line: string): void;
}

const firstFrameLimitMs = 60_000;
const displayMs = 1000;

/** The whole line on one machine: simulated robot, ingest and broker, each a process of its own, and spotlive here. */
export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<void> {
  const say = (line: string): void => {
    if (!options.json) options.print(line);
  };
  say(
    "Starting a simulated robot (the first time its picture is made, which takes some seconds) and an ingest.",
  );
  const { uplink: wanted } = options;
  await using uplink = wanted && (await openDemoUplink(wanted.bitsPerSecond, wanted.outside, signal));
  // From outside the namespace nobody reaches a broker or a page.
  const hasHands = !options.json && uplink === undefined;
  await using simulators = await startSimulators({ broker: hasHands, uplink }, signal);
  const { address } = simulators.robot;
  say(
    `Robot: gRPC port ${address.grpcPort}, camera port ${address.cameraPort}. Ingest: ${simulators.ingestUrl}`,
  );
  const tally = createDemoTally();
  const { supervisor, run } = assemble(demoConfig(simulators, hasHands), say, tally.note);
  using running = childSignal(signal);
  if (wanted !== undefined) say(`The uplink carries ${wanted.bitsPerSecond / 1000} kbit/s.`);
  const line = run(running.signal);
  const startedAt = performance.now();
  await supervisor.submit({ id: "demo", command: { kind: "start" }, origin: "demo" });
  try {
    const first = await untilFirstFrame(simulators, signal);
    if (first === undefined) return;
    tellHands(simulators.brokerUrl, say);
    const usage = await watch(supervisor, simulators, options, signal);
    const status = supervisor.status();
    const report = await Promise.race([simulators.nextReport(), simulators.died]);
    if (report === undefined) return;
    const result = summarizeDemo(status, report, tally.sums(), { firstFrameMs: first - startedAt, ...usage });
    for (const remark of report.remarks) say(`Twitch would mind: ${remark}`);
    options.print(options.json ? JSON.stringify(result) : describeResult(result));
    if (result.phase !== "live" && !signal.aborted)
      throw new Fault("internal", `The line was not live at the end: ${status.reason}`);
  } finally {
    running.abort();
    await line;
  }
}

/** The same parts as the appliance's, without its log, its memory and its control socket. */
function assemble(
  config: Config,
  say: (line: string) => void,
  note: Report,
): { readonly supervisor: Supervisor; run(signal: AbortSignal): Promise<void> } {
  const onListening = (url: string): void => say(`Dashboard: ${url}/`);
  const mask = createMask();
  const events = createEventBus();
  const show = (event: StatusEvent): void => {
    if (event.type === "phase") say(`${event.phase}: ${event.reason}`);
    if (event.type === "notice") say(`notice: ${event.text}`);
    if (event.type === "rate")
      say(`rate: ${(event.rate.target / 1e6).toFixed(2)} Mbit/s. ${event.rate.reason}`);
    if (event.type === "hold" || event.type === "path") say(event.reason);
    note(event);
  };
  const preview = createConfiguredPreview(config);
  const supervisor = createSupervisor({
    createLine: (early) => createLine(config, early, mask, () => undefined, preview),
    initial: configuredState(config),
    report: events.report,
    remember: () => Promise.resolve(),
    prepare: () => Promise.resolve(),
  });
  const log = createLog({ level: "error", mask, destination: { write: say } });
  const journal = createJournal(mask);
  const submit = journal.watch(supervisor.submit);
  const context: SurfaceContext = { submit, status: supervisor.status, subscribe: events.subscribe, log };
  return {
    supervisor,
    async run(signal) {
      events.subscribe(show, signal);
      events.subscribe(journal.note, signal);
      const surfaces = createSurfaces(config, {
        report: supervisor.report,
        mask,
        journal,
        preview,
        onListening,
      });
      await Promise.all([supervisor.run(signal), ...surfaces.map((surface) => surface(context, signal))]);
    },
  };
}

function tellHands(brokerUrl: string | undefined, say: (line: string) => void): void {
  if (brokerUrl === undefined) return;
  const { port } = new URL(brokerUrl);
  const publish = (topic: string, message: string): string =>
    `  mosquitto_pub -h 127.0.0.1 -p ${port} -t spotlive/${deviceId}/${topic} -m '${message}'`;
  say("It takes commands over MQTT, for example:");
  say(publish("stream/set", "OFF"));
  say(publish("stream/set", "ON"));
  say(publish("command", '{"kind":"camera","action":{"kind":"look","pan":20}}'));
}

async function untilFirstFrame(simulators: Simulators, signal: AbortSignal): Promise<number | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Fault("internal", "No picture reached the ingest within a minute.")),
      firstFrameLimitMs,
    );
  });
  try {
    const first = await Promise.race([simulators.firstFrame, simulators.died, late, untilAborted(signal)]);
    return typeof first === "number" ? first : undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Shows the line until the time is over and gives what this process used meanwhile. */
async function watch(
  supervisor: Supervisor,
  simulators: Simulators,
  options: DemoOptions,
  signal: AbortSignal,
): Promise<{ readonly cpuSecondsPerMinute: number; readonly rssMb: number }> {
  const display = createDisplay(options.json ? undefined : options.print);
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  let peakRss = 0;
  const timer = setInterval(() => {
    peakRss = Math.max(peakRss, process.memoryUsage.rss());
    display.show(describeStatus(supervisor.status(), simulators.report()));
  }, displayMs);
  let end: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    if (options.seconds !== undefined) end = setTimeout(resolve, options.seconds * 1000);
  });
  try {
    await Promise.race([over, simulators.died, untilAborted(signal)]);
  } finally {
    clearInterval(timer);
    clearTimeout(end);
    display.end();
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const minutes = (performance.now() - before) / 60_000;
  return { cpuSecondsPerMinute: (user + system) / 1e6 / minutes, rssMb: peakRss / 1e6 };
}

import { createInterface } from "node:readline";
import { childSignal, untilAborted } from "../lib/signals.ts";
import { startBroker } from "../simulator/broker.ts";
import { startIngest } from "../simulator/ingest.ts";
import type { Ingest, IngestMode, IngestOptions } from "../simulator/ingest.ts";
import { startRobot } from "../simulator/robot.ts";
import type { Robot } from "../simulator/robot.ts";
import { runRobotCommandLine } from "../simulator/robot/command-line.ts";
import { defaultRobotOptions } from "../simulator/robot/options.ts";
import type { RobotOptions } from "../simulator/robot/options.ts";
import { usage } from "./verb.ts";

export type SimulatorKind = "robot" | "ingest" | "broker";

export interface SimulateOptions {
  readonly what: SimulatorKind;
  /** `name=value` words from the command line. */
  readonly settings: readonly string[];
  readonly json: boolean;
  print(line: string): void;
}

/** What a JSON line of `simulate` says, so that a program can run it as a child. */
export type SimulationEvent =
  | {
      readonly event: "robot";
      readonly address: Robot["address"];
      readonly username: string;
      readonly password: string;
    }
  | { readonly event: "ingest"; readonly url: string }
  | { readonly event: "broker"; readonly url: string }
  | { readonly event: "first-frame" }
  | { readonly event: "report"; readonly report: ReturnType<Ingest["report"]> };

const everyMs = 1000;
const firstFrameMs = 2;

/**
 * Runs a simulator until aborted; faults are commanded by JSON lines on standard input. With `json`, where a program
 * has started it, it also ends with that program: when its standard input ends.
 */
export async function runSimulation(options: SimulateOptions, parent: AbortSignal): Promise<void> {
  using scope = childSignal(parent);
  const { signal } = scope;
  if (options.json) process.stdin.once("end", scope.abort).resume();
  const say = (event: SimulationEvent): void => {
    if (options.json) options.print(JSON.stringify(event));
    else if (event.event !== "first-frame" && event.event !== "report") options.print(describe(event));
  };
  switch (options.what) {
    case "robot":
      return await simulateRobot(readRobotSettings(options.settings), { say, reply: options.print }, signal);
    case "ingest":
      return await simulateIngest(readIngestSettings(options.settings), say, signal);
    case "broker": {
      await using broker = await startBroker();
      say({ event: "broker", url: broker.url });
      return await untilAborted(signal);
    }
  }
}

async function simulateRobot(
  settings: Partial<RobotOptions>,
  { say, reply }: { say(event: SimulationEvent): void; reply(line: string): void },
  signal: AbortSignal,
): Promise<void> {
  await using robot = await startRobot(settings, signal);
  const { username, password } = robot.options;
  say({ event: "robot", address: robot.address, username, password });
  const lines = createInterface({ input: process.stdin });
  signal.addEventListener("abort", () => lines.close(), { once: true });
  try {
    const commands = runRobotCommandLine(lines, robot, reply).then(() => untilAborted(signal));
    await Promise.race([robot.done, commands]);
  } finally {
    lines.close();
  }
}

async function simulateIngest(
  { mode, ...options }: IngestOptions & { readonly mode: IngestMode },
  say: (event: SimulationEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  await using ingest = await startIngest(options, signal);
  ingest.mode = mode;
  say({ event: "ingest", url: ingest.url });
  const timer = setInterval(() => say({ event: "report", report: ingest.report() }), everyMs);
  const first = setInterval(() => {
    if (ingest.report().firstFrameAtUs === undefined) return;
    clearInterval(first);
    say({ event: "first-frame" });
  }, firstFrameMs);
  await untilAborted(signal);
  clearInterval(timer);
  clearInterval(first);
  say({ event: "report", report: ingest.report() });
}

/** Turns `name=value` words into robot options; the names and kinds are those of the defaults. */
function readRobotSettings(words: readonly string[]): Partial<RobotOptions> {
  const known: Readonly<Record<string, unknown>> = { ...defaultRobotOptions() };
  const settings: Record<string, unknown> = {};
  for (const [name, value] of pairs(words)) {
    if (!(name in known)) throw usage(`expected one of ${Object.keys(known).join(", ")}, got ${name}`);
    const kind = typeof known[name];
    if (kind === "string") settings[name] = value;
    else if (kind === "boolean") settings[name] = value === "true";
    else if (/^-?\d+(\.\d+)?$/.test(value)) settings[name] = Number(value);
    else throw usage(`${name} takes a number, got ${value}`);
  }
  return settings;
}

const ingestModes: readonly string[] = ["accept", "refuse-key", "close", "stall"] satisfies IngestMode[];

function readIngestSettings(words: readonly string[]): IngestOptions & { readonly mode: IngestMode } {
  const given = new Map(pairs(words));
  const mode = given.get("mode") ?? "accept";
  if (!ingestModes.includes(mode)) throw usage(`mode takes ${ingestModes.join(", ")}, got ${mode}`);
  const [host, port, recordTo] = [given.get("host"), given.get("port"), given.get("recordTo")];
  for (const name of ["mode", "host", "port", "recordTo"]) given.delete(name);
  const [unknown] = given.keys();
  if (unknown !== undefined) throw usage(`expected mode, host, port or recordTo, got ${unknown}`);
  return {
    mode: mode as IngestMode,
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port: Number(port) }),
    ...(recordTo !== undefined && { recordTo }),
  };
}

function pairs(words: readonly string[]): [string, string][] {
  return words.map((word) => {
    const equals = word.indexOf("=");
    if (equals < 1) throw usage(`--set takes NAME=VALUE, got ${word}`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

/** For a person: the piece of configuration that points spotlive at the simulator. */
function describe(event: Extract<SimulationEvent, { event: "robot" | "ingest" | "broker" }>): string {
  if (event.event === "broker") return `The MQTT broker takes anybody at ${event.url}`;
  if (event.event === "ingest") return `The ingest takes any stream key at ${event.url}`;
  const { address, username, password } = event;
  return [
    "The robot runs. To use it, put this into the configuration:",
    "source: spot",
    "spot:",
    `  host: ${address.host}`,
    `  port: ${address.grpcPort}`,
    `  cameraPort: ${address.cameraPort}`,
    `  username: ${username}`,
    `  password: ${password}`,
    `  tls: { fingerprint: "${address.grpcFingerprint256}" }`,
    `  cameraTls: { fingerprint: "${address.cameraFingerprint256}" }`,
  ].join("\n");
}

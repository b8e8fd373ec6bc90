import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readStatus, sendCommand } from "../../src/control/socket-client.ts";
import type { Command } from "../../src/domain/command.ts";
import type { Status } from "../../src/domain/status.ts";
import type { CommandLine } from "../../src/simulator/namespace.ts";
import type { SimulationEvent } from "../../src/verbs/simulate-run.ts";
import { startSimulation } from "../../src/verbs/simulation-child.ts";
import type { SimulationChild } from "../../src/verbs/simulation-child.ts";

export type RobotUp = Extract<SimulationEvent, { event: "robot" }>;

export interface RunningRobot extends SimulationChild {
  readonly up: RobotUp;
}

/** Starts a simulated robot in a process of its own, in a network namespace if `enter` puts it there. */
export async function startRobotProcess(
  settings: Readonly<Record<string, string | number>> = {},
  enter?: (command: CommandLine) => CommandLine,
): Promise<RunningRobot> {
  const { promise, resolve } = Promise.withResolvers<RobotUp>();
  const child = await startSimulation(
    "robot",
    settings,
    (event) => {
      if (event.event === "robot") resolve(event);
    },
    new AbortController().signal,
    enter,
  );
  const died = child.done.then(() => {
    throw new Error("the robot ended before it was up");
  });
  died.catch(() => {});
  const up = await Promise.race([promise, died]);
  return { ...child, up, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** The configuration that points at a robot; JSON is YAML. */
export function spotConfig({ up }: RunningRobot): Record<string, unknown> {
  const { address, username, password } = up;
  return {
    source: "spot",
    spot: {
      host: address.host,
      port: address.grpcPort,
      cameraPort: address.cameraPort,
      username,
      password,
      tls: { fingerprint: address.grpcFingerprint256 },
      cameraTls: { fingerprint: address.cameraFingerprint256 },
    },
  };
}

export interface ApplianceOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Files to put beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Puts it into a network namespace. Its control socket is a file, and answers from there too. */
  readonly enter?: (command: CommandLine) => CommandLine;
}

/** The product as it is run: `spotlive run` in a process of its own, asked over its control socket. */
export interface Appliance extends AsyncDisposable {
  readonly pid: number;
  readonly directory: string;
  /** Everything it wrote, as it wrote it. */
  readonly output: () => string;
  status(): Promise<Status>;
  command(command: "start" | "stop" | Command): Promise<void>;
  /** Polls the status until it is as wanted; fails with the last status after `limitMs`. */
  until(what: string, wanted: (status: Status) => boolean, limitMs?: number): Promise<Status>;
  /** Resolves when it has ended, by itself too. */
  readonly ended: Promise<{ readonly code: number | null }>;
  /** SIGTERM, as systemd does, then waits for the end. */
  terminate(): Promise<{ readonly code: number | null; readonly milliseconds: number }>;
}

const program = fileURLToPath(new URL("../../src/spotlive.mjs", import.meta.url));

export async function startAppliance(
  config: Readonly<Record<string, unknown>>,
  options: ApplianceOptions = {},
): Promise<Appliance> {
  const directory = await mkdtemp(join(tmpdir(), "spotlive-test-"));
  const socketPath = join(directory, "control.sock");
  for (const [name, text] of Object.entries(options.files ?? {}))
    await writeFile(join(directory, name), text);
  const file = join(directory, "spotlive.yaml");
  const wholeConfig = {
    autostart: "always",
    stateDirectory: join(directory, "state"),
    socketPath,
    ...config,
  };
  await writeFile(file, JSON.stringify(wholeConfig).replaceAll("$DIRECTORY", directory));
  const enter = options.enter ?? ((command: CommandLine): CommandLine => command);
  const command = [process.execPath, "--max-semi-space-size=1", program, "run", "--config", file] as const;
  const [executable, ...argv] = enter(command);
  const child = spawn(executable, argv, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.environment },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data: Buffer) => (output += data.toString()));
  const ended = once(child, "exit");
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;

  const status = (): Promise<Status> => readStatus(socketPath);
  const appliance: Appliance = {
    pid: child.pid ?? 0,
    directory,
    output: () => output,
    status,
    ended: ended.then(([code]) => ({ code: code as number | null })),
    async command(command) {
      const whole = typeof command === "string" ? { kind: command } : command;
      const result = await sendCommand(socketPath, whole);
      if (!result.ok) throw new Error(result.fault.message);
    },
    async until(what, wanted, limitMs = 30_000) {
      const end = performance.now() + limitMs;
      for (;;) {
        const now = await status().catch(() => undefined);
        if (now !== undefined && wanted(now)) return now;
        if (performance.now() > end || !isRunning()) {
          throw new Error(`not reached: ${what}\n${JSON.stringify(now, null, 1)}\n${output.slice(-3000)}`);
        }
        await sleep(25);
      }
    },
    async terminate() {
      const before = performance.now();
      child.kill("SIGTERM");
      const [code] = (await ended) as [number | null];
      return { code, milliseconds: performance.now() - before };
    },
    async [Symbol.asyncDispose]() {
      if (isRunning()) child.kill("SIGKILL");
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
  createInterface({ input: child.stdout }).on("line", () => {}); // keeps the pipe flowing
  const begins = wholeConfig.autostart === "always";
  await appliance.until("it has begun", ({ reason }) => !begins || reason !== "Nothing was started yet.");
  return appliance;
}

/** True once every output has taken at least `units` pictures. */
export function hasSent(units: number): (status: Status) => boolean {
  return ({ outputs }) =>
    outputs.length > 0 && outputs.every(({ counters }) => (counters?.units ?? 0) >= units);
}

export const isLive = ({ phase }: Status): boolean => phase === "live";

import { createInterface } from "node:readline";
import { Fault } from "../domain/fault.ts";
import { startChild } from "../lib/child.ts";
import { productFile } from "../lib/product-files.ts";
import type { CommandLine } from "../simulator/namespace.ts";
import type { SimulationEvent, SimulatorKind } from "./simulate-run.ts";

/** A simulator in a process of its own, so that what it costs is not counted as ours. */
export interface SimulationChild extends AsyncDisposable {
  readonly pid: number;
  /** Rejects with a `Fault` when the simulator dies. */
  readonly done: Promise<void>;
  /** Sends one command (`{"command":"loss","percent":1}`) and gives the fields of its reply. Throws a `Fault` if refused. */
  command(command: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>;
}

const program = productFile("src/spotlive.mjs");

/** Starts `spotlive simulate WHAT --json`, in a network namespace if `enter` puts it there; every event line goes to `onEvent`. */
export async function startSimulation(
  what: SimulatorKind,
  settings: Readonly<Record<string, string | number>>,
  onEvent: (event: SimulationEvent) => void,
  signal: AbortSignal,
  enter: (command: CommandLine) => CommandLine = (command) => command,
): Promise<SimulationChild> {
  const words = Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const [executable, ...argv] = enter([process.execPath, program, "simulate", what, "--json", ...words]);
  const child = await startChild(executable, argv, signal, { purpose: `simulating the ${what}` });
  const replies: PromiseWithResolvers<Readonly<Record<string, unknown>>>[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = parseLine(line);
    if (isEvent(message)) onEvent(message);
    else replies.shift()?.resolve(message);
  });
  return {
    pid: child.pid,
    done: child.done,
    async command(command) {
      const reply = Promise.withResolvers<Readonly<Record<string, unknown>>>();
      replies.push(reply);
      child.stdin.write(`${JSON.stringify(command)}\n`);
      const fields = await Promise.race([
        reply.promise,
        child.done.then(() => ({ ok: false, error: "it ended" })),
      ]);
      if (fields["ok"] !== true)
        throw new Fault("malformed", `The simulator refused: ${String(fields["error"])}`);
      return fields;
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

function parseLine(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return { ...value };
  } catch {
    // falls through: a line that is no JSON is a reply to nothing
  }
  return { ok: false, error: line };
}

function isEvent(message: unknown): message is SimulationEvent {
  return typeof message === "object" && message !== null && "event" in message;
}

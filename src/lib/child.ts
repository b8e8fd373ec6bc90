import { spawn } from "node:child_process";
import type { ChildProcess, ChildProcessWithoutNullStreams, Serializable } from "node:child_process";
import { setPriority } from "node:os";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { Fault } from "../domain/fault.ts";

export interface ChildOptions {
  /** What the program is for, in an error text: "reading the RTSP camera". */
  readonly purpose: string;
  /** Removes secrets from a line of stderr before it is kept. */
  readonly mask?: (line: string) => string;
  /** Milliseconds between the two SIGTERM and before SIGKILL. ffmpeg ignores the first while it is blocked. */
  readonly graceMs?: number;
  /** Give it a second way to say something: what it writes to descriptor 3 comes out of `extra`. */
  readonly extraPipe?: boolean;
  /** Scheduling priority (nice value), -20 to 19; our own where absent. */
  readonly priority?: number;
  /** The program's name in an error text, where it is not the program itself that matters. */
  readonly name?: string;
  /**
   * For a program of Node: takes what it says with `process.send()`, and lets it hear what `Child.send` says. It is not
   * to block or throw.
   */
  readonly onMessage?: (message: unknown) => void;
}

/** One running child process. Disposal ends it and waits for its end. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** What it writes to descriptor 3; there when `extraPipe` was asked for, and then somebody must read it. */
  readonly extra?: Readable;
  /** Says something to a program of Node; there when `onMessage` was given. What comes after its end is lost. */
  readonly send?: (message: Serializable) => void;
  /** Resolves when the process has ended by itself with status 0 or was ended by us; rejects with a `Fault` otherwise. */
  readonly done: Promise<void>;
}

const keptLines = 12;

/**
 * Starts one program and binds its life to `signal`: an abort sends SIGTERM, again SIGTERM, then SIGKILL.
 * A death of its own becomes a fault that quotes the exit and the last lines of stderr.
 * Throws a `Fault`: `child-missing` when the program is not installed, `child-failed` when this machine has no
 * process or descriptor left for it.
 */
export async function startChild(
  program: string,
  argv: readonly string[],
  signal: AbortSignal,
  options: ChildOptions,
): Promise<Child> {
  const { purpose, name = program, onMessage } = options;
  const pipes = Array.from({ length: options.extraPipe === true ? 4 : 3 }, () => "pipe" as const);
  const stdio = onMessage === undefined ? pipes : [...pipes, "ipc" as const];
  const child = spawn(program, [...argv], { stdio }) as ChildProcessWithoutNullStreams;
  const failed = new Promise<Error>((resolve) => child.once("error", resolve));
  child.on("error", () => {}); // a signal that could not be sent: the next step of the ladder follows
  child.stdin.on("error", () => {}); // EPIPE after its death: the exit tells the reason
  child.stdout.on("error", () => {});
  const extra = options.extraPipe === true ? (child.stdio[3] as Readable) : undefined;
  extra?.on("error", () => {});
  if (onMessage !== undefined) child.on("message", onMessage);
  const { pid } = child;
  if (pid === undefined) throw notStarted(name, purpose, await failed);
  if (options.priority !== undefined) lowerPriority(pid, options.priority);
  const lines = keepLastLines(child.stderr, options.mask ?? ((line) => line));
  const ended = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) =>
    child.once("close", (code, by) => resolve([code, by])),
  );
  let ending: Promise<void> | undefined;
  const end = (): Promise<void> => (ending ??= endChild(child, ended, options.graceMs ?? 2000));
  const onAbort = (): void => void end();
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });

  const done = ended.then(([code, by]) => {
    signal.removeEventListener("abort", onAbort);
    if (ending !== undefined || code === 0) return;
    const exit = by === null ? `exit status ${code}` : `signal ${by}`;
    const said = lines.length === 0 ? "it said nothing" : `it said: ${lines.join(" | ")}`;
    throw new Fault("child-failed", `${name}, ${purpose}, ended with ${exit}; ${said}`);
  });
  done.catch(() => {}); // whoever holds the child awaits it; nobody has to
  const { stdin, stdout } = child;
  const send = (message: Serializable): void => {
    if (child.connected) child.send(message, () => {});
  };
  const more = { ...(extra && { extra }), ...(onMessage && { send }) };
  return { pid, stdin, stdout, ...more, done, [Symbol.asyncDispose]: end };
}

function notStarted(program: string, purpose: string, error: NodeJS.ErrnoException): Fault {
  const missing = error.code === "ENOENT" || error.code === "EACCES";
  const text = `${program} could not be started for ${purpose}: ${error.message}`;
  return missing
    ? new Fault("child-missing", `${text}. Is it installed?`, { cause: error })
    : new Fault("child-failed", text, { cause: error });
}

/** Threads that the program makes from now on have it too. */
function lowerPriority(pid: number, priority: number): void {
  try {
    setPriority(pid, priority);
  } catch {} // it has ended already
}

function keepLastLines(stream: Readable, mask: (line: string) => string): readonly string[] {
  const lines: string[] = [];
  createInterface({ input: stream, crlfDelay: Infinity }).on("line", (line) => {
    if (line.trim() === "") return;
    lines.push(mask(line).slice(0, 400)); // masked first: a secret cut in half would not be recognised
    if (lines.length > keptLines) lines.shift();
  });
  return lines;
}

async function endChild(child: ChildProcess, ended: Promise<unknown>, graceMs: number): Promise<void> {
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.stdin?.destroy(); // ffmpeg does not notice a SIGTERM while it waits for input
  for (const step of ["SIGTERM", "SIGTERM", "SIGKILL"] as const) {
    if (!running()) break;
    child.kill(step);
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([exited, new Promise((resolve) => (timer = setTimeout(resolve, graceMs)))]);
    clearTimeout(timer);
  }
  // Neither unread output nor a pipe kept open by a grandchild must keep us waiting.
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.stdio[3]?.destroy();
  await ended;
}

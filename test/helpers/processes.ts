import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface RunningProcess {
  readonly pid: number;
  /** Arguments with spaces between them; empty for a zombie. */
  readonly commandLine: string;
  readonly environment: string;
}

/** The child processes of this one, zombies too, as anybody on the machine can see them. */
export function ownChildren(): RunningProcess[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      if (statOf(Number(pid))?.parent !== process.pid) return [];
      const read = (name: string): string =>
        readFileSync(`/proc/${pid}/${name}`, "latin1").replaceAll("\0", " ");
      return [{ pid: Number(pid), commandLine: read("cmdline"), environment: read("environ") }];
    } catch {
      return []; // ended while it was being looked at
    }
  });
}

/** Ends a child process and everything below it, each by its own id, and waits until all have ended. */
export async function endProcessTree(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const below = descendantsOf(child.pid);
  const exited = once(child, "exit");
  for (const pid of [child.pid, ...below]) kill(pid);
  await exited;
  while (below.some(isAlive)) await sleep(5); // strangers tell nobody here when they end
}

/** Ids of the processes below one, at this moment. */
export function descendantsOf(root: number): number[] {
  const found = new Set([root]);
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), statOf(Number(name))?.parent ?? 0] as const);
  for (let before = 0; before < found.size;) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found].filter((pid) => pid !== root);
}

/** The name of a process's program; empty when it has ended. */
export function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "latin1").trim();
  } catch {
    return "";
  }
}

/** Whether it does something still; a zombie does not. */
export function isAlive(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== "Z";
}

/** What a process has computed so far, user and system time of all its threads; 0 when it has ended. */
export function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100; // clock ticks
  } catch {
    return 0;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}

function statOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state = "", parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state, parent: Number(parent) };
  } catch {
    return undefined; // no longer there
  }
}

/**
 * Whether a connection to the port, in the network namespace of a process, asks again and again if the closed window
 * has opened: its timer is 4 in proc(5)'s /proc/PID/net/tcp.
 */
export function asksClosedWindow(pid: number, port = 0): boolean {
  const remote = port.toString(16).toUpperCase().padStart(4, "0");
  return new RegExp(`:${remote} 01 \\S+ 04:`).test(readFileSync(`/proc/${pid}/net/tcp`, "latin1"));
}

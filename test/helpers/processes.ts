import { readdirSync, readFileSync } from "node:fs";

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
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      if (parent !== process.pid) return [];
      const read = (name: string): string =>
        readFileSync(`/proc/${pid}/${name}`, "latin1").replaceAll("\0", " ");
      return [{ pid: Number(pid), commandLine: read("cmdline"), environment: read("environ") }];
    } catch {
      return []; // ended while it was being looked at
    }
  });
}

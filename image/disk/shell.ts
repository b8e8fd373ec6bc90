import { spawn } from "node:child_process";
import { once } from "node:events";

export interface ShellOptions {
  readonly cwd?: string;
  /** Added to the environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Seconds; 3600 where absent. */
  readonly timeout?: number;
}

/** Runs a program whose output goes to the person who waits for it. Rejects when it fails or takes too long. */
export async function runAloud(
  command: readonly string[],
  { cwd, environment = {}, timeout = 3600 }: ShellOptions = {},
): Promise<void> {
  const set = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const child = spawn("env", [...set, ...command], {
    ...(cwd !== undefined && { cwd }),
    // Standard output is for the result.
    stdio: ["ignore", 2, 2],
    signal: AbortSignal.timeout(timeout * 1000),
    killSignal: "SIGTERM",
  });
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  if (code !== 0) throw new Error(`${command.join(" ")} failed (${signal ?? `exit status ${code}`}).`);
}

/** Says what is being done. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

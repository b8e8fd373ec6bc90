import { text } from "node:stream/consumers";
import { startChild } from "../lib/child.ts";

const limitMs = 10_000;

/**
 * Runs a program of the system to its end and gives what it printed. Rejects with a `Fault` where it is not there or
 * fails; what takes longer than 10 s is ended.
 */
export async function runSystemProgram(
  program: string,
  argv: readonly string[],
  purpose: string,
): Promise<string> {
  await using child = await startChild(program, argv, AbortSignal.timeout(limitMs), { purpose });
  child.stdin.end();
  const printed = await text(child.stdout);
  await child.done;
  return printed;
}

import type { Readable } from "node:stream";
import { startChild } from "../lib/child.ts";
import { Fault, toFault } from "../domain/fault.ts";

/** What became of one run. */
export type ProgramAnswer =
  | { readonly kind: "ended"; readonly output: Buffer }
  | { readonly kind: "missing"; readonly text: string }
  | { readonly kind: "failed"; readonly text: string }
  | { readonly kind: "hung"; readonly text: string };

/** Runs a program to its end, or kills it after so many milliseconds. Never rejects. */
export type RunProgram = (
  program: string,
  argv: readonly string[],
  limitMs: number,
  input?: Uint8Array,
) => Promise<ProgramAnswer>;

/** Half a second between the signals that end a program. */
const graceMs = 500;
const longestOutput = 16_000_000;
/** The lowest priority (nice(1)): the live line comes first. */
const lowest = 19;

/** Runs programs until `signal` aborts, at the lowest priority. */
export function createRunProgram(signal: AbortSignal): RunProgram {
  return async (program, argv, limitMs, input) => {
    const limit = AbortSignal.timeout(limitMs);
    const scope = new AbortController();
    const abort = (): void => scope.abort();
    limit.addEventListener("abort", abort, { once: true });
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    try {
      const options = { purpose: "trying out this board", graceMs, priority: lowest };
      await using child = await startChild(program, argv, scope.signal, options);
      child.stdin.end(input);
      const output = await readAll(child.stdout);
      await child.done;
      if (signal.aborted) return { kind: "failed", text: "it was stopped" };
      if (limit.aborted) return { kind: "hung", text: `${program} did not end within ${limitMs / 1000} s` };
      return { kind: "ended", output };
    } catch (error) {
      const { code, message } = toFault(error);
      return { kind: code === "child-missing" ? "missing" : "failed", text: message };
    } finally {
      signal.removeEventListener("abort", abort);
    }
  };
}

async function readAll(stdout: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > longestOutput) throw new Fault("child-failed", "it printed far too much");
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Fault) throw error; // else the pipe broke: the child's end tells why
  }
  return Buffer.concat(chunks);
}

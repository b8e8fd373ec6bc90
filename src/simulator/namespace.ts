import { once } from "node:events";
import { existsSync } from "node:fs";
import { text } from "node:stream/consumers";
import { Fault } from "../domain/fault.ts";
import { startChild } from "../lib/child.ts";

/** A program and its arguments. */
export type CommandLine = readonly [program: string, ...argv: string[]];

/** A Linux network namespace. It lasts as long as a process is in it. */
export interface Namespace extends AsyncDisposable {
  /** Of a process inside. */
  readonly pid: number;
  /** The same program, but run inside; it keeps the process id that it is started with. */
  enter(command: CommandLine): CommandLine;
}

/** The namespace this process is in. Disposal does nothing. */
export const ownNamespace: Namespace = {
  pid: process.pid,
  enter: (command) => command,
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** Puts a program into a new network namespace; without root that takes a user namespace, in which it then is root. */
export function unshared(command: CommandLine): CommandLine {
  const user = process.geteuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  return ["unshare", ...user, "--net", "--", ...command];
}

/**
 * Makes a network namespace without a name. Its holder, a `cat`, ends at an abort, at disposal and when this process
 * dies in whatever way; programs that were started inside are their starter's to end. `neighbour` is a namespace that
 * a link shall lead to: both must belong to one user namespace.
 * Throws a `Fault`: `child-missing` without util-linux, `child-failed` where the kernel refuses.
 */
export async function openNamespace(signal: AbortSignal, neighbour?: Namespace): Promise<Namespace> {
  const command: CommandLine = neighbour?.enter(["unshare", "--net", "--", "cat"]) ?? unshared(["cat"]);
  const [program, ...argv] = command;
  const holder = await startChild(program, argv, signal, { purpose: "making a network namespace" });
  const inside = once(holder.stdout, "data").then(() => true);
  inside.catch(() => {}); // it died: `done` says why
  holder.stdin.write("\n"); // the echo comes from inside
  const up = await Promise.race([inside, holder.done.then(() => false)]);
  if (!up) throw new Fault("child-failed", "The network namespace was closed while it was made.");
  const isRoot = process.geteuid?.() === 0;
  const user = isRoot ? [] : ["--user", "--preserve-credentials"];
  return {
    pid: holder.pid,
    enter: (inner) => ["nsenter", "--target", String(holder.pid), ...user, "--net", "--", ...inner],
    [Symbol.asyncDispose]: () => holder[Symbol.asyncDispose](),
  };
}

/**
 * Runs a program to its end inside a namespace and gives its standard output. Rejects with a `Fault` that quotes what
 * it said on standard error, or when the signal aborts.
 */
export async function runInside(
  namespace: Namespace,
  command: CommandLine,
  { purpose, input = "" }: { readonly purpose: string; readonly input?: string },
  signal: AbortSignal,
): Promise<string> {
  const [program, ...argv] = namespace.enter(command);
  await using child = await startChild(program, argv, signal, { purpose });
  child.stdin.end(input);
  const output = await text(child.stdout).catch(() => "");
  await child.done;
  if (signal.aborted) throw new Fault("child-failed", `${purpose}: stopped`);
  return output;
}

const folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/**
 * The path of an administrator's program: Debian keeps them out of a user's PATH. Throws a `Fault` (`child-missing`)
 * that names the package it comes with.
 */
export function systemProgram(name: string, packageName: string): string {
  const folder = folders.find((folder) => existsSync(`${folder}/${name}`));
  if (folder === undefined)
    throw new Fault("child-missing", `${name} is missing; package ${packageName} has it`);
  return `${folder}/${name}`;
}

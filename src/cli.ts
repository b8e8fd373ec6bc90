import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Fault, toFault } from "./domain/fault.ts";
import { readVersion } from "./lib/version.ts";
import { adopt } from "./verbs/adopt.ts";
import { checkConfig } from "./verbs/check-config.ts";
import { demo } from "./verbs/demo.ts";
import { doctor } from "./verbs/doctor.ts";
import { probe } from "./verbs/probe.ts";
import { profile } from "./verbs/profile.ts";
import { camera, lock, restart, set, start, status, stop, unlock } from "./verbs/remote.ts";
import { run } from "./verbs/run.ts";
import { simulate } from "./verbs/simulate.ts";
import { twitch } from "./verbs/twitch.ts";
import { uplinks } from "./verbs/uplinks.ts";
import { usage } from "./verbs/verb.ts";
import type { Invocation, Verb } from "./verbs/verb.ts";

const verbs: readonly Verb[] = [
  run,
  demo,
  simulate,
  probe,
  profile,
  doctor,
  status,
  start,
  stop,
  restart,
  set,
  camera,
  lock,
  unlock,
  twitch,
  checkConfig,
  adopt,
  uplinks,
];

export interface CliContext {
  print(line: string): void;
  printError(line: string): void;
  readonly signal: AbortSignal;
}

/** Runs the program for the process: signals, standard output, exit status. */
export async function main(args: readonly string[]): Promise<void> {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130); // asked twice: at once
      controller.abort();
    });
  // Whoever read us has gone: `spotlive status | head -1`. The live line goes on without its log.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const printError = (line: string): void => void process.stderr.write(`${line}\n`);
  const code = await runCli(args, { print, printError, signal: controller.signal });
  await Promise.race([written(process.stdout), sleep(lastWordsMs)]);
  process.exit(code);
}

/** How long the end of the program waits for a slow reader of its output. */
const lastWordsMs = 1000;

/** Resolves when everything that was written has gone, or never will. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write("", () => resolve());
  });
}

/** Runs one command line and gives the exit status: 0, 1 for a fault, 2 for a mistake in usage or configuration. */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  try {
    await dispatch(args, context);
    return 0;
  } catch (error) {
    const fault = toFault(error);
    const help = fault.code === "usage" ? " (spotlive --help tells how)" : "";
    context.printError(`spotlive: ${fault.message}${help}`);
    return fault.code === "usage" || fault.code === "config-invalid" ? 2 : 1;
  }
}

async function dispatch(args: readonly string[], context: CliContext): Promise<void> {
  const [word, ...rest] = args;
  if (word === undefined) throw usage("expected a verb, got nothing");
  if (word === "--help" || word === "-h" || word === "help") return context.print(helpText());
  if (word === "--version") return context.print(`spotlive ${readVersion()}`);
  const verb = verbs.find(({ name }) => name === word);
  if (verb === undefined)
    throw usage(
      `expected one of ${verbs.map(({ name }) => name).join(", ")}, got ${JSON.stringify(word.slice(0, 40))}`,
    );
  if (rest.includes("--help") || rest.includes("-h")) return context.print(verbHelp(verb));
  await verb.run(parse(verb, rest, context));
}

function parse(verb: Verb, args: readonly string[], { print, signal }: CliContext): Invocation {
  const { values, positionals } = parseWords(verb, args);
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  return {
    positionals,
    text,
    texts(name) {
      const value = values[name];
      return Array.isArray(value) ? value.map(String) : [];
    },
    flag: (name) => values[name] === true,
    wholeNumber(name, max) {
      const given = text(name);
      if (given === undefined) return undefined;
      if (/^\d{1,9}$/.test(given) && Number(given) >= 1 && Number(given) <= max) return Number(given);
      throw usage(
        `--${name} takes a whole number from 1 to ${max}, got ${JSON.stringify(given.slice(0, 40))}`,
      );
    },
    print,
    signal,
  };
}

function parseWords(verb: Verb, args: readonly string[]): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({
      args: [...args],
      options: verb.options,
      allowPositionals: verb.positionals !== undefined,
    });
  } catch (error) {
    const [sentence = ""] = toFault(error).message.split(". ");
    throw new Fault("usage", `${verb.name}: ${sentence}`, { cause: error });
  }
}

function helpText(): string {
  return [
    "spotlive keeps a robot's camera live.",
    "",
    "usage: spotlive VERB [OPTIONS]",
    "",
    ...verbs.map((verb) => `  ${spelling(verb).padEnd(22)} ${verb.summary}`),
    "",
    "spotlive VERB --help lists the options of a verb; spotlive --version prints the version.",
    "Exit status: 0 done, 1 fault, 2 mistake in usage or configuration.",
  ].join("\n");
}

function verbHelp(verb: Verb): string {
  const options = Object.entries(verb.options).flatMap(([name, { value, doc }]) => {
    if (doc === undefined) return [];
    const option = value === undefined ? `--${name}` : `--${name} ${value}`;
    return [`  ${option.padEnd(22)} ${doc}`];
  });
  const usageLine = `usage: spotlive ${spelling(verb)}${options.length > 0 ? " [OPTIONS]" : ""}`;
  return [usageLine, "", verb.summary, ...(options.length > 0 ? ["", ...options] : [])].join("\n");
}

const spelling = ({ name, positionals }: Verb): string =>
  positionals === undefined ? name : `${name} ${positionals}`;

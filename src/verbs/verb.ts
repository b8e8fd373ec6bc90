import type { ParseArgsConfig } from "node:util";
import { Fault } from "../domain/fault.ts";

/**
 * The options of one verb, for `parseArgs`; `value` names the value in the help text. One without `doc` is for our own
 * use and is not listed there.
 */
export type Options = Readonly<
  Record<
    string,
    NonNullable<ParseArgsConfig["options"]>[string] & { readonly doc?: string; readonly value?: string }
  >
>;

/** What a verb is given when it runs. */
export interface Invocation {
  readonly positionals: readonly string[];
  /** The value of an option as text; undefined where it was not given. */
  text(name: string): string | undefined;
  /** All values of an option that may be given more than once. */
  texts(name: string): readonly string[];
  flag(name: string): boolean;
  /** The value of an option as a whole number from 1 to `max`; throws a `Fault` (`usage`) for anything else. */
  wholeNumber(name: string, max: number): number | undefined;
  /** Writes one line to standard output. */
  print(line: string): void;
  /** Aborts at SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** One word of the command line. */
export interface Verb {
  readonly name: string;
  /** The words after the name, for the help text: "robot|ingest". */
  readonly positionals?: string;
  readonly summary: string;
  readonly options: Options;
  /** Resolves when done; a `Fault` ends the program with status 2 (usage, configuration) or 1 (everything else). */
  run(invocation: Invocation): Promise<void>;
}

/** The options that several verbs share, so that each is spelt and explained in one way. */
export const configOption = {
  config: {
    type: "string",
    value: "PATH",
    doc: "the configuration file (default: /etc/spotlive/spotlive.yaml, else ./spotlive.yaml)",
  },
} as const satisfies Options;

export const jsonOption = { json: { type: "boolean", doc: "print JSON" } } as const satisfies Options;

export const secondsOption = {
  seconds: { type: "string", value: "N", doc: "end after N seconds" },
} as const satisfies Options;

export const socketOption = {
  socket: { type: "string", value: "PATH", doc: "the control socket of the running spotlive" },
} as const satisfies Options;

export function usage(message: string): Fault {
  return new Fault("usage", message);
}

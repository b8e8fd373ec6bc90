import pino from "pino";
import type { Secret } from "../domain/secret.ts";

/** One logger; `log.child({ part: "output/main" })` makes the one of a part. */
export type Log = pino.Logger;

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** Knows every secret of this process and removes them from finished lines. */
export interface Mask {
  /** Secrets of fewer than 4 characters are not masked: they would also be found in words that are none. */
  add(secret: Secret | string): void;
  /** The same for one that is renewed again and again: only the newest 16 are remembered, or a year would fill it. */
  addToken(token: Secret): void;
  /** Gives the line with `***` for every known secret, and for the user and password of every URL. */
  apply(line: string): string;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly mask: Mask;
  /** Takes finished lines; default: the process's standard output. */
  readonly destination?: { write(line: string): unknown };
}

const shortestSecret = 4;
const rememberedTokens = 16;
const mostUnwrittenBytes = 1_048_576;

/**
 * A logger that writes one JSON object a line: `time` (ISO 8601), `level` (a word), `part`, `msg`, and what else is
 * given. An error under `err` is written with its stack and causes; secrets are masked in the whole finished line,
 * because a redaction by field name misses messages, stacks and nested objects.
 */
export function createLog(options: LogOptions): Log {
  const destination = options.destination ?? standardOutput();
  const { mask } = options;
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => void destination.write(mask.apply(line)) },
  );
}

/**
 * Never blocks the live line: Node queues what the reader does not take; beyond a limit lines are dropped, and the
 * loss is the first thing written afterwards. (pino's own destination hangs at exit when the reader has gone.)
 */
function standardOutput(): { write(line: string): void } {
  let dropped = 0;
  return {
    write(line) {
      const { stdout } = process;
      if (stdout.writableLength > mostUnwrittenBytes) {
        dropped += 1;
        return;
      }
      if (dropped > 0)
        stdout.write(
          `${JSON.stringify({ level: "warn", part: "log", msg: "lines were dropped", dropped })}\n`,
        );
      dropped = 0;
      stdout.write(line);
    },
  };
}

export function createMask(): Mask {
  const lasting = new Set<string>();
  const tokens: (readonly string[])[] = [];
  /** Longest first, so that a part of a secret never hides the rest of it. */
  let forms: readonly string[] = [];
  const sort = (): void => {
    forms = [...new Set([...lasting, ...tokens.flat()])].toSorted((a, b) => b.length - a.length);
  };
  return {
    add(secret) {
      const value = typeof secret === "string" ? secret : secret.reveal();
      const password = URL.canParse(value) ? decode(new URL(value).password) : "";
      const all = [value, password].filter((text) => text.length >= shortestSecret).flatMap(formsOf);
      for (const form of all) lasting.add(form);
      sort();
    },
    addToken(token) {
      tokens.push(formsOf(token.reveal()));
      if (tokens.length > rememberedTokens) tokens.shift();
      sort();
    },
    apply(line) {
      // Anything between :// and @ is a user and a password (RFC 3986, 3.2.1).
      let masked = line.replace(/:\/\/[^\s/?#"'<>\\]*@/g, "://***@");
      for (const form of forms) masked = masked.replaceAll(form, "***");
      return masked;
    },
  };
}

/** The ways in which a secret may come to stand in a line. */
function formsOf(secret: string): string[] {
  const url = encodeURIComponent(secret.toWellFormed());
  const plain = [secret];
  // JSON in JSON in a line of JSON.
  for (let depth = 0; depth < 3; depth += 1) plain.push(JSON.stringify(plain.at(-1)).slice(1, -1));
  const encoded = [
    url,
    url.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase()),
    url.replaceAll("%20", "+"),
  ];
  return [...plain, ...encoded, ...base64Forms(secret)].filter((form) => form.length >= shortestSecret);
}

/** A secret inside a longer text that is base64-encoded (`user:secret`) looks different at each of three offsets. */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    // Only the characters whose six bits all belong to the secret are the same whatever stands around it.
    const own = text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
    return [text.slice(Math.ceil((offset * 8) / 6)), own].flatMap((form) => [
      form,
      form.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""),
    ]);
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

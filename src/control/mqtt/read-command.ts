import { createHash } from "node:crypto";
import type { Command, CommandRequest } from "../../domain/command.ts";
import { Fault, toFault } from "../../domain/fault.ts";
import { nowUs } from "../../lib/clock.ts";
import { parseCommand } from "../parse-command.ts";
import { plainCommands, type PlainCommand } from "./plain-commands.ts";
import type { Topics } from "./topics.ts";

/** What came in on a command topic, as far as it matters. */
export interface IncomingCommand {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  /** Seconds that the broker says are left (MQTT 5, 3.3.2.3.3). */
  readonly messageExpiryInterval?: number;
}

export type ReadCommand =
  | { readonly ok: true; readonly request: CommandRequest }
  | { readonly ok: false; readonly id: string; readonly fault: Fault };

/** A command that could not be carried out within this time is not wanted any more. */
const longestWaitMs = 5000;
const mostBytes = 16_384;

/**
 * Reads a message on a command topic. Total: what cannot be understood is a `malformed` fault. The id is the one in
 * the JSON, else one that stands for response topic and correlation data (the same pair is the same request, so it is
 * carried out once), else `fallbackId`.
 */
export function readCommand(
  message: IncomingCommand,
  topics: Topics,
  destinations: readonly string[],
  fallbackId: string,
): ReadCommand {
  let id = idOf(message) ?? fallbackId;
  try {
    if (message.payload.length > mostBytes)
      throw new Fault("malformed", `Expected at most ${mostBytes} bytes, got ${message.payload.length}.`);
    const text = Buffer.from(message.payload).toString();
    let command: Command;
    let leftMs = longestWaitMs;
    if (message.topic === topics.command) {
      const fields = parseFields(text);
      if (fields["id"] !== undefined) id = checkId(fields["id"]);
      if (fields["expiresAt"] !== undefined)
        leftMs = Math.min(leftMs, millisecondsUntil(fields["expiresAt"]));
      command = parseCommand(fields);
    } else {
      command = readPlain(message.topic, text.trim(), topics, destinations);
    }
    const { messageExpiryInterval } = message;
    // A message that the broker still hands out has some of its last second left.
    if (messageExpiryInterval !== undefined)
      leftMs = Math.min(leftMs, Math.max(1, messageExpiryInterval) * 1000);
    return { ok: true, request: { id, command, origin: "mqtt", expiresAt: nowUs() + leftMs * 1000 } };
  } catch (error) {
    // JSON nested thousands of levels deep makes even JSON.stringify fail.
    return { ok: false, id, fault: toFault(error, "malformed") };
  }
}

export function isPlainCommand(topic: string, topics: Topics): boolean {
  return plainOf(topic, topics) !== undefined;
}

function plainOf(topic: string, topics: Topics): PlainCommand | undefined {
  const name = topic.slice(topics.root.length + 1, -"/set".length);
  return Object.hasOwn(plainCommands, name) && topic === topics.set(name) ? plainCommands[name] : undefined;
}

function readPlain(topic: string, text: string, topics: Topics, destinations: readonly string[]): Command {
  const plain = plainOf(topic, topics);
  if (plain !== undefined) return parseCommand(plain.toJson(text, destinations));
  const names = Object.keys(plainCommands).join(", ");
  throw new Fault("malformed", `Expected ${names} before /set, got another topic.`);
}

function idOf({ responseTopic, correlationData }: IncomingCommand): string | undefined {
  if (correlationData === undefined || correlationData.length === 0) return undefined;
  const hash = createHash("sha256")
    .update(responseTopic ?? "")
    .update("\0")
    .update(correlationData);
  return `mqtt-${hash.digest("hex").slice(0, 32)}`;
}

function parseFields(text: string): Readonly<Record<string, unknown>> {
  const expected = 'Expected a command like {"kind":"start"}';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Fault("malformed", `${expected}, got something that is not JSON.`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Fault("malformed", `${expected}, got JSON that is not an object.`);
  return { ...value };
}

function checkId(value: unknown): string {
  if (typeof value === "string" && /^[\w.:-]{1,64}$/.test(value)) return value;
  throw new Fault("malformed", "Expected id to be 1 to 64 letters, digits and .:_-, got another one.");
}

/** Compared with the time of day, the only clock that sender and device share. */
function millisecondsUntil(value: unknown): number {
  const time = typeof value === "string" && /T.*(Z|[+-]\d\d:\d\d)$/.test(value) ? Date.parse(value) : NaN;
  if (Number.isFinite(time)) return time - Date.now();
  throw new Fault("malformed", "Expected expiresAt to be a time like 2026-11-20T12:00:00Z, got another one.");
}

import { Fault } from "../domain/fault.ts";
import { decodeAmf0, encodeAmf0, type AmfObject, type AmfValue } from "./amf0.ts";
import { chunkStream, messageType, noBytes, type IncomingMessage, type OutgoingMessage } from "./message.ts";

/** A remote call or its answer (Adobe RTMP Specification 1.0, section 7.2): name, transaction, then the arguments. */
export interface Command {
  readonly name: string;
  readonly transaction: number;
  /** The first one is the command object, or null. */
  readonly values: readonly AmfValue[];
}

/** What `onStatus`, `_error` and the result of `connect` carry. */
export interface ServerStatus {
  readonly level: string;
  readonly code: string;
  readonly description: string;
}

export function commandMessage(
  name: string,
  transaction: number,
  ...values: readonly AmfValue[]
): OutgoingMessage {
  const body = encodeAmf0([name, transaction, ...values]);
  return {
    chunkStream: chunkStream.command,
    type: messageType.commandAmf0,
    timestamp: 0,
    head: noBytes,
    body,
  };
}

/** A message of script data such as `onMetaData`. */
export function dataMessage(timestamp: number, ...values: readonly AmfValue[]): OutgoingMessage {
  const body = encodeAmf0(values);
  return { chunkStream: chunkStream.data, type: messageType.dataAmf0, timestamp, head: noBytes, body };
}

/** Throws a `Fault` when the message is not a command. */
export function parseCommand(message: IncomingMessage): Command {
  const [name, transaction, ...values] = decodeAmf0(message.payload);
  if (typeof name !== "string" || typeof transaction !== "number") {
    throw new Fault("malformed", "Expected a name and a transaction number at the start of an RTMP command.");
  }
  return { name, transaction, values };
}

/** The status object of an answer: the first value that has a `code`. */
export function parseStatus(command: Command): ServerStatus | undefined {
  for (const value of command.values) {
    const object = asObject(value);
    const code = object?.["code"];
    if (object === undefined || typeof code !== "string") continue;
    const { level, description } = object;
    return {
      level: typeof level === "string" ? level : command.name === "_error" ? "error" : "status",
      code,
      description: typeof description === "string" ? description : "",
    };
  }
  return undefined;
}

export function asObject(value: AmfValue): AmfObject | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (value instanceof Date || Array.isArray(value)) return undefined;
  return value instanceof Map ? (Object.fromEntries(value) as AmfObject) : (value as AmfObject);
}

import { Fault } from "../../domain/fault.ts";
import type { ViewerCandidate, ViewerRequest } from "../../domain/preview.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Reads what a viewer of the preview says, a JSON text. Throws `malformed` for anything else. */
export function parseViewerRequest(text: string): ViewerRequest {
  const fields = readObject(readJson(text), "a JSON object");
  switch (fields["type"]) {
    case "watch":
      return {
        type: "watch",
        latency: readChoice(fields, "latency", ["live", "smooth"]),
        transport: readChoice(fields, "transport", ["webrtc", "websocket"]),
      };
    case "answer":
      return { type: "answer", id: readId(fields), sdp: readText(fields, "sdp") };
    case "candidate":
      return { type: "candidate", id: readId(fields), candidate: readCandidate(fields["candidate"]) };
    case "failed":
      return { type: "failed", id: readId(fields), reason: readText(fields, "reason") };
    default:
      throw expected("type: watch, answer, candidate or failed");
  }
}

function readCandidate(value: unknown): ViewerCandidate | null {
  if (value === null || value === undefined) return null;
  const fields = readObject(value, "candidate: an object or null");
  const { sdpMid, sdpMLineIndex } = fields;
  return {
    candidate: readText(fields, "candidate"),
    sdpMid: typeof sdpMid === "string" ? sdpMid : null,
    sdpMLineIndex: typeof sdpMLineIndex === "number" ? sdpMLineIndex : null,
  };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw expected("a JSON object");
  }
}

function readObject(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw expected(what);
  return value as Fields;
}

function readText(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value !== "string") throw expected(`${key}: a text`);
  return value;
}

function readId(fields: Fields): number {
  const { id } = fields;
  if (typeof id !== "number" || !Number.isSafeInteger(id)) throw expected("id: the number of an offer");
  return id;
}

function readChoice<const Choice extends string>(
  fields: Fields,
  key: string,
  choices: readonly Choice[],
): Choice {
  const found = choices.find((choice) => choice === fields[key]);
  if (found === undefined) throw expected(`${key}: ${choices.join(" or ")}`);
  return found;
}

function expected(what: string): Fault {
  return new Fault("malformed", `Expected ${what}.`);
}

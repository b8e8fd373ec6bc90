import type { ConfigKey } from "../model/wire.ts";

/** What somebody has changed and not saved: per path the new value, null for the default. */
export type Draft = ReadonlyMap<string, unknown>;

/** How a key is edited. */
export type Control = "text" | "number" | "switch" | "choice" | "secret" | "lines" | "json";

export function controlOf({ kind, value, default: usual }: ConfigKey): Control {
  switch (kind) {
    case "text":
      return "text";
    case "switch":
      return "switch";
    case "choice":
      return "choice";
    case "secret":
      return "secret";
    case "number":
    case "whole-number":
      return "number";
    case "list":
      return isTexts(value ?? usual) ? "lines" : "json";
    default:
      return typeof (value ?? usual ?? "") === "string" ? "text" : "json";
  }
}

const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string");

/** The value as it stands in its field. */
export function toText(value: unknown, control: Control): string {
  if (value === null || value === undefined) return "";
  if (control === "lines" && Array.isArray(value)) return value.join("\n");
  if (control === "json") return JSON.stringify(value, undefined, 2);
  return typeof value === "string" ? value : JSON.stringify(value);
}

export type Parsed =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string };

const good = (value: unknown): Parsed => ({ ok: true, value });
const bad = (problem: string): Parsed => ({ ok: false, problem });

/** What somebody typed, as the value it means. Empty is the default. Only the form is judged here: spotlive judges the rest. */
export function fromText(text: string, key: ConfigKey): Parsed {
  const trimmed = text.trim();
  switch (controlOf(key)) {
    case "number":
      return trimmed === "" ? good(null) : numberOf(trimmed, key);
    case "lines": {
      const lines = text.split("\n").map((line) => line.trim());
      return good(lines.filter((line) => line !== ""));
    }
    case "json":
      if (trimmed === "") return good(null);
      try {
        return good(JSON.parse(trimmed));
      } catch {
        return bad("Expected JSON, like the text that was here before.");
      }
    case "text":
    case "choice":
      return good(trimmed === "" ? null : trimmed);
    case "secret":
      return good(text === "" ? null : text);
    case "switch":
      return good(trimmed === "true");
  }
}

function numberOf(text: string, { kind, min, max }: ConfigKey): Parsed {
  const value = Number(text.replace(",", "."));
  const noun = kind === "whole-number" ? "a whole number" : "a number";
  if (!Number.isFinite(value) || (kind === "whole-number" && !Number.isInteger(value)))
    return bad(`Expected ${noun}.`);
  if (min !== undefined && value < min) return bad(`Expected ${noun} of at least ${min}.`);
  if (max !== undefined && value > max) return bad(`Expected ${noun} of at most ${max}.`);
  return good(value);
}

/** The draft with one more change; a value that is what it was before is no change. */
export function change(draft: Draft, key: ConfigKey, value: unknown): Draft {
  const next = new Map(draft);
  const isSame =
    key.kind !== "secret" &&
    (value === null
      ? key.from === "default"
      : key.value !== undefined && JSON.stringify(value) === JSON.stringify(key.value));
  if (isSame) next.delete(key.path);
  else next.set(key.path, value);
  return next;
}

/** Whether what somebody looks for stands in a key's name, meaning or value. */
export function matches({ path, doc, value }: ConfigKey, wanted: string): boolean {
  const words = wanted.toLowerCase().split(/\s+/);
  const text = `${path} ${doc} ${typeof value === "string" ? value : ""}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

import { isDeepStrictEqual } from "node:util";
import { isScalar, parseDocument } from "yaml";
import type { Document } from "yaml";
import { keptSecret } from "../config/boot-file.ts";
import type { FreshSecret } from "../config/boot-file.ts";
import { Fault } from "../domain/fault.ts";

const note = `# Taken over and kept on the device. To give another, write it in place of ${keptSecret}.`;

/** What is shorter may stand in a comment by chance. */
const shortestSought = 8;

/**
 * Puts a word in the place of each secret, with a line of comment above it, and in comments that repeat the secret.
 * Everything else stays byte for byte. Throws a `Fault` when the outcome would not mean the same.
 */
export function blankSecrets(text: string, secrets: readonly FreshSecret[]): string {
  const document = parseDocument(text);
  const isRight = meansTheSame(document, secrets);
  const blanked = [withNotes, withoutNotes].map((spell) => spell(text, document, secrets)).find(isRight);
  if (blanked === undefined)
    throw new Fault(
      "config-invalid",
      "The secrets cannot be taken out of this file without harm to the rest.",
    );
  let result = blanked;
  for (const { value } of secrets.filter(({ value }) => value.length >= shortestSought)) {
    const sought = result.replaceAll(value, keptSecret);
    if (isRight(sought)) result = sought;
  }
  return result;
}

function withoutNotes(text: string, document: Document, secrets: readonly FreshSecret[]): string {
  return replaceAll(text, placesOf(document, secrets), () => "");
}

function withNotes(text: string, document: Document, secrets: readonly FreshSecret[]): string {
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  return replaceAll(text, placesOf(document, secrets), (before) => {
    const lines = before.split("\n");
    if (lines.at(-2)?.trim() === note) return "";
    return `${/^[ ]*/.exec(lines.at(-1) ?? "")?.[0] ?? ""}${note}${lineEnd}`;
  });
}

interface Place {
  readonly start: number;
  readonly end: number;
}

function placesOf(document: Document, secrets: readonly FreshSecret[]): readonly Place[] {
  const places = secrets.flatMap(({ path }) => {
    const node = document.getIn(path, true);
    return isScalar(node) && node.range ? [{ start: node.range[0], end: node.range[1] }] : [];
  });
  return places.toSorted((a, b) => b.start - a.start);
}

/** Replaces from the end, so that the places before stay where they are. `above` gives what is put before the line. */
function replaceAll(text: string, places: readonly Place[], above: (before: string) => string): string {
  let result = text;
  for (const { start, end } of places) {
    const lineStart = result.lastIndexOf("\n", start - 1) + 1;
    // A block text (`|` or `>`) takes the end of its last line with it.
    const tail = /\r?\n$/.exec(result.slice(start, end))?.[0] ?? "";
    const before = result.slice(0, start);
    result =
      result.slice(0, lineStart) +
      above(before) +
      result.slice(lineStart, start) +
      keptSecret +
      tail +
      result.slice(end);
  }
  return result;
}

/** Whether a text says what the document says, with the word in the place of each secret. */
function meansTheSame(document: Document, secrets: readonly FreshSecret[]): (text: string) => boolean {
  const wanted = document.clone();
  for (const { path } of secrets) wanted.setIn(path, keptSecret);
  const values: unknown = wanted.toJS();
  return (text) => {
    const read = parseDocument(text);
    return read.errors.length === 0 && isDeepStrictEqual(read.toJS(), values);
  };
}

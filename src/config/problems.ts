import { Fault } from "../domain/fault.ts";

/** One thing that is wrong with the configuration, and where. */
export interface Problem {
  /** `file:line`, or the name of an environment variable. */
  readonly where: string;
  /** Which key, where it is one's: `outputs[0].url`. */
  readonly path?: string;
  readonly text: string;
}

/** A file with more than these is something else; the rest is not looked for. */
const mostProblems = 100;

/** Where each value came from, by its key path (`outputs[0].url`), and everything found wrong on the way. */
export class Findings {
  readonly file: string;
  readonly problems: Problem[] = [];
  readonly #places = new Map<string, string>();

  constructor(file: string) {
    this.file = file;
  }

  place(path: string, where: string): void {
    this.#places.set(path, where);
  }

  /** Adds a problem; throws them all when it is one too many. */
  add(where: string, text: string, path?: string): void {
    this.problems.push({ where, text, ...(path !== undefined && { path }) });
    if (this.problems.length >= mostProblems) this.throwAll();
  }

  /** Adds a problem of the value at `path`, or of what should stand there. */
  addAt(path: string, text: string): void {
    this.add(this.#nearestPlace(path), text, path);
  }

  throwIfAny(): void {
    if (this.problems.length > 0) this.throwAll();
  }

  /** Throws one `Fault` that names every problem. */
  throwAll(): never {
    const lines = this.problems.map(
      ({ where, path, text }) => `${where}: ${path === undefined ? "" : `${path}: `}${text}`,
    );
    const count = lines.length === 1 ? "a problem" : `${lines.length} problems`;
    throw new Fault("config-invalid", `The configuration has ${count}:\n${lines.join("\n")}`);
  }

  #nearestPlace(path: string): string {
    for (let at = path; at !== ""; at = at.replace(/(^|\.|\[)[^.[]*$/, "")) {
      const where = this.#places.get(at);
      if (where !== undefined) return where;
    }
    return this.file;
  }
}

/** Says what was got, short; never shows a secret. */
export function describe(value: unknown, sensitive = false): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a group of keys";
  if (sensitive)
    return `a ${typeof value === "string" ? "text" : typeof value} (hidden, as it may be a secret)`;
  return shorten(JSON.stringify(value));
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);

/** Gives the known word that `word` was probably meant to be, as " Did you mean x?", or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  if (word.length > 64) return "";
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance)[0];
  if (near === undefined || near.distance > Math.max(1, Math.floor(near.candidate.length / 3))) return "";
  return ` Did you mean ${near.candidate}?`;
}

/** Levenshtein's distance: the fewest insertions, deletions and replacements of one character. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, char] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(b).entries()) {
      const [left = 0, above = 0, diagonal = 0] = [next[j], row[j + 1], row[j]];
      next.push(Math.min(left + 1, above + 1, diagonal + (char === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

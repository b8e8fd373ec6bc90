import { ask, Refusal, wordsOf } from "../model/api.ts";
import type { ConfigProblem } from "../model/wire.ts";
import type { Draft } from "./draft.ts";

/** What is wrong, by path. */
export type Problems = ReadonlyMap<string, string>;

export interface Saved {
  readonly isSaved: boolean;
  readonly text: string;
  readonly problems: Problems;
}

/** Sends what was changed. Never rejects: what is wrong is said, in words and by path. */
export async function save(draft: Draft): Promise<Saved> {
  try {
    await ask("PUT", "/api/config", { body: { changes: Object.fromEntries(draft) } });
    return { isSaved: true, text: "Saved.", problems: new Map() };
  } catch (error) {
    const problems = error instanceof Refusal ? problemsOf(error.body) : [];
    if (problems.length === 0) return { isSaved: false, text: wordsOf(error), problems: new Map() };
    return {
      isSaved: false,
      text: "Nothing was saved: spotlive does not take these settings.",
      problems: new Map(problems.map(({ path, text }) => [path, text])),
    };
  }
}

function problemsOf(body: unknown): readonly ConfigProblem[] {
  if (typeof body !== "object" || body === null || !("problems" in body)) return [];
  return Array.isArray(body.problems) ? (body.problems as readonly ConfigProblem[]) : [];
}

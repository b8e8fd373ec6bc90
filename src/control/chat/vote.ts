import type { CameraAction } from "../../domain/camera.ts";

/** One thing that can be voted for; equal labels are the same choice. */
export interface Choice {
  readonly label: string;
  readonly action: CameraAction;
}

export interface Tally {
  readonly label: string;
  readonly votes: number;
}

export type Outcome =
  | { readonly kind: "won"; readonly choice: Choice; readonly votes: number; readonly total: number }
  | { readonly kind: "tied"; readonly labels: readonly string[]; readonly total: number }
  | { readonly kind: "too-few"; readonly total: number; readonly needed: number };

const mostVoters = 10_000;

/** One round of voting: one vote for each person, the latest counts; most votes win; a tie moves nothing. */
export class Round {
  readonly #votes = new Map<string, Choice>();

  /** Gives false when the round is full; nothing is counted then. */
  cast(person: string, choice: Choice): boolean {
    if (this.#votes.size >= mostVoters && !this.#votes.has(person)) return false;
    this.#votes.set(person, choice);
    return true;
  }

  /** Most votes first. */
  tally(): readonly Tally[] {
    const counts = new Map<string, number>();
    for (const { label } of this.#votes.values()) counts.set(label, (counts.get(label) ?? 0) + 1);
    return [...counts]
      .map(([label, votes]) => ({ label, votes }))
      .toSorted((a, b) => b.votes - a.votes || (a.label < b.label ? -1 : 1));
  }

  outcome(minimumVotes: number): Outcome {
    const total = this.#votes.size;
    const tally = this.tally();
    const [best] = tally;
    if (best === undefined || total < minimumVotes) return { kind: "too-few", total, needed: minimumVotes };
    const labels = tally.filter(({ votes }) => votes === best.votes).map(({ label }) => label);
    const choice = [...this.#votes.values()].find(({ label }) => label === best.label);
    if (labels.length > 1 || choice === undefined) return { kind: "tied", labels, total };
    return { kind: "won", choice, votes: best.votes, total };
  }
}

import { randomUUID } from "node:crypto";
import type { CameraAction } from "../../domain/camera.ts";
import type { Result } from "../../domain/command.ts";
import { describeFault, describeOutcome } from "./answers.ts";
import type { VoteRules } from "./options.ts";
import { Round, type Choice, type Tally } from "./vote.ts";

export interface BallotHooks {
  announce(text: string): void;
  act(action: CameraAction, id: string): Promise<Result>;
}

/** Rounds of voting, one after the other: the first vote opens one, the window closes it, the winner is carried out. */
export interface Ballot extends Disposable {
  cast(person: string, choice: Choice): void;
  /** Of the round that is open; empty when none is. */
  tally(): readonly Tally[];
}

export function createBallot(rules: VoteRules, hooks: BallotHooks): Ballot {
  let round: Round | undefined;
  let timer: NodeJS.Timeout | undefined;

  const close = async (): Promise<void> => {
    const outcome = round?.outcome(rules.minimumVotes);
    round = undefined;
    if (outcome === undefined) return;
    const result =
      outcome.kind === "won" ? await hooks.act(outcome.choice.action, `vote-${randomUUID()}`) : undefined;
    const refusal = result === undefined || result.ok ? "" : ` ${describeFault(result.fault)}`;
    hooks.announce(describeOutcome(outcome) + refusal);
  };

  return {
    cast(person, choice) {
      if (round === undefined) {
        round = new Round();
        timer = setTimeout(() => void close(), rules.windowSeconds * 1000);
        hooks.announce(
          `A vote on the camera is open for ${rules.windowSeconds} s, first for ${choice.label}.`,
        );
      }
      round.cast(person, choice);
    },
    tally: () => round?.tally() ?? [],
    [Symbol.dispose]() {
      clearTimeout(timer);
      round = undefined;
    },
  };
}

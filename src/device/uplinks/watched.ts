import { chooseUplink, judge, newHealth, pauseMs } from "./health.ts";
import type { Health, HealthPolicy } from "./health.ts";
import type { Family } from "./ip-facts.ts";
import type { Path } from "./plan.ts";
import type { Answer } from "./question.ts";

/** Something for people to read. */
export type Tell = (severity: "info" | "warning", text: string) => void;

/** Asks one question over an uplink, from this address of its own. */
export type AskOver = (from: string, isDoubtful: boolean) => Promise<Answer>;

interface Watched {
  readonly name: string;
  /** The address that is asked from; another one is another network. */
  readonly from: string;
  health: Health;
  dueAtMs: number;
  isAsking: boolean;
  questions: number;
}

/** Of the questions over an uplink that is well, every so many asks for a certificate too. */
const doubtEvery = 12;

/** The uplinks of one family of addresses: how each is, and which one carries the traffic. */
export class WatchedUplinks {
  readonly #policy: HealthPolicy;
  readonly #tell: Tell;
  readonly #family: Family;
  #all: readonly Watched[] = [];
  #chosen: string | undefined;

  constructor(family: Family, policy: HealthPolicy, tell: Tell) {
    this.#policy = policy;
    this.#family = family;
    this.#tell = tell;
  }

  /** Takes over what is there now; one that was away, or has another address, begins anew. */
  meet(paths: readonly Path[], nowMs: number): void {
    this.#all = paths.map(({ name, addresses: [from] }): Watched => {
      const before = this.#all.find((one) => one.name === name && one.from === from);
      if (before !== undefined) return before;
      const health = newHealth(this.#policy);
      return { ...{ name, from, health, dueAtMs: nowMs }, ...{ isAsking: false, questions: 0 } };
    });
  }

  /** Asks over every uplink whose turn it is, without waiting. One alone is not asked: there is no choice. */
  askDue(ask: AskOver, now: () => number): readonly Promise<void>[] {
    if (this.#all.length < 2) return [];
    return this.#all
      .filter(({ isAsking, dueAtMs }) => !isAsking && dueAtMs <= now())
      .map(async (one) => {
        one.isAsking = true;
        one.questions += 1;
        const isDoubtful = one.health.verdict !== "well" || one.questions % doubtEvery === 0;
        const { hasAnswered, text } = await ask(one.from, isDoubtful);
        one.isAsking = false;
        if (hasAnswered !== undefined) this.#note(one, hasAnswered, text, now());
        const isInUse = one.name === this.#chosen && hasAnswered !== undefined;
        one.dueAtMs = now() + pauseMs(one.health, isInUse, this.#policy);
      });
  }

  /** The uplink that shall carry the traffic, from now on; tells when that is another one than before. */
  choose(): string | undefined {
    const before = this.#chosen;
    const chosen = chooseUplink(this.#all, before);
    this.#chosen = chosen;
    if (chosen !== undefined && chosen !== before && (before !== undefined || this.#all.length > 1))
      this.#tell("info", `${this.#spell("The traffic")} for the internet goes over ${chosen}.`);
    if (chosen === undefined && before !== undefined)
      this.#tell("warning", `${this.#spell("There is no uplink")} at all: ${before} was the last one.`);
    return chosen;
  }

  #note(one: Watched, hasAnswered: boolean, text: string, nowMs: number): void {
    const before = one.health;
    one.health = judge(before, hasAnswered, nowMs, this.#policy);
    // Whether there is another way is to be known by the time this one is given up.
    if (!hasAnswered && before.failures === 0 && one.name === this.#chosen)
      for (const other of this.#all) if (other !== one) other.dueAtMs = nowMs;
    if (one.health.verdict === before.verdict) return;
    const name = this.#spell(one.name);
    if (one.health.verdict === "sick") {
      const again = `It is used again when it has answered for ${Math.round(one.health.trialMs / 1000)} s.`;
      this.#tell("warning", `${name} does not carry the internet: ${text}. ${again}`);
    } else
      this.#tell(
        "info",
        `${name} carries the internet${before.verdict === "sick" ? " again" : ""}: ${text}.`,
      );
  }

  #spell(text: string): string {
    return this.#family === 6 ? `${text} (IPv6)` : text;
  }
}

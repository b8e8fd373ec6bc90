import { BoundedMap } from "./bounded-map.ts";
import { isAtLeast, type ChatMessage, type Tier } from "./message.ts";

/** Who is meant: by number if it is known, because names change hands. */
type Person = Pick<ChatMessage, "userId" | "userName">;

type Grant =
  | { readonly kind: "allowed"; readonly untilMs: number }
  /** Counts only against people of a lower tier than the one who said it. */
  | { readonly kind: "denied"; readonly by: Tier };

const rememberedGrants = 500;
const rememberedPeople = 1000;

/** The one key of a person in every map of the chat. */
export function keyOf(person: Person): string {
  return person.userId === "" ? `name:${person.userName}` : `id:${person.userId}`;
}

/**
 * Who counts as what: the badges of the line, raised for a time by `!allow`, or taken away by `!deny`.
 * A grant is made by name; it moves to the number of the first person seen with that name, and stays there.
 */
export class Access {
  readonly #allowedTier: Tier;
  readonly #grants = new BoundedMap<string, Grant>(rememberedGrants);
  readonly #numbers = new BoundedMap<string, string>(rememberedPeople);

  /** `allowedTier`: what somebody counts as while allowed. */
  constructor(allowedTier: Tier) {
    this.#allowedTier = allowedTier;
  }

  /** The tier that this line is treated as; undefined for somebody who was denied. */
  tierOf(message: ChatMessage, nowMs: number): Tier | undefined {
    if (message.userId !== "") this.#numbers.set(message.userName, message.userId);
    const grant = this.#grantOf(message);
    if (grant === undefined) return message.tier;
    if (grant.kind === "denied") return isAtLeast(message.tier, grant.by) ? message.tier : undefined;
    if (nowMs < grant.untilMs)
      return isAtLeast(message.tier, this.#allowedTier) ? message.tier : this.#allowedTier;
    this.#grants.delete(keyOf(message));
    return message.tier;
  }

  allow(userName: string, untilMs: number): void {
    this.#grants.set(this.#keyOfName(userName), { kind: "allowed", untilMs });
  }

  /** Holds until somebody allows the person again, or spotlive restarts. */
  deny(userName: string, by: Tier): void {
    this.#grants.set(this.#keyOfName(userName), { kind: "denied", by });
  }

  #keyOfName(userName: string): string {
    return keyOf({ userName, userId: this.#numbers.get(userName) ?? "" });
  }

  #grantOf(person: Person): Grant | undefined {
    const key = keyOf(person);
    const byName = keyOf({ ...person, userId: "" });
    const named = this.#grants.get(byName);
    if (named === undefined || key === byName) return this.#grants.get(key);
    this.#grants.delete(byName);
    this.#grants.set(key, named);
    return named;
  }
}

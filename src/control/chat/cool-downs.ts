import { BoundedMap } from "./bounded-map.ts";
import type { CommandName } from "./parse-line.ts";

export interface CoolDown {
  /** Seconds before the same person may use the command again. */
  readonly userSeconds: number;
  /** Seconds before anybody may use it again. */
  readonly globalSeconds: number;
}

const rememberedUses = 2000;

/** How long each command rests after a use, for one person and for all. */
export class CoolDowns {
  readonly #rules: Readonly<Record<CommandName, CoolDown>>;
  readonly #lastUse = new Map<CommandName, number>();
  readonly #lastUseOf = new BoundedMap<string, number>(rememberedUses);

  constructor(rules: Readonly<Record<CommandName, CoolDown>>) {
    this.#rules = rules;
  }

  /** Gives 0 and notes the use, or the milliseconds to wait. */
  use(name: CommandName, person: string, nowMs: number): number {
    const { userSeconds, globalSeconds } = this.#rules[name];
    const key = `${name} ${person}`;
    const waitMs = Math.max(
      rest(this.#lastUse.get(name), globalSeconds, nowMs),
      rest(this.#lastUseOf.get(key), userSeconds, nowMs),
    );
    if (waitMs > 0) return waitMs;
    if (globalSeconds > 0) this.#lastUse.set(name, nowMs);
    if (userSeconds > 0) this.#lastUseOf.set(key, nowMs);
    return 0;
  }
}

function rest(lastMs: number | undefined, seconds: number, nowMs: number): number {
  return lastMs === undefined ? 0 : Math.max(0, lastMs + seconds * 1000 - nowMs);
}

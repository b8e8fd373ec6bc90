/** Twitch counts over 30 s from when it receives a line, so two seconds are kept for the way there. */
const windowMs = 32_000;

const ordinary = { lines: 20, gapMs: 1200 };
const moderator = { lines: 100, gapMs: 100 };

/** Twitch's limits for one account: 20 lines in 30 s, 100 as moderator or broadcaster; over it, it mutes for 30 minutes. */
export class SendRate {
  /** True while the account is a moderator of the channel, or its broadcaster. */
  privileged = false;
  #sentMs: number[] = [];

  /** Whole milliseconds until a line may be sent; 0: now. */
  waitMs(nowMs: number): number {
    const { lines, gapMs } = this.privileged ? moderator : ordinary;
    this.#sentMs = this.#sentMs.filter((sent) => nowMs - sent < windowMs);
    const last = this.#sentMs.at(-1);
    const blocking = this.#sentMs.at(-lines);
    const untilMs = Math.max(
      nowMs,
      last === undefined ? nowMs : last + gapMs,
      blocking === undefined ? nowMs : blocking + windowMs,
    );
    return Math.ceil(untilMs - nowMs);
  }

  note(nowMs: number): void {
    this.#sentMs.push(nowMs);
  }
}

/** How much somebody is trusted in the channel, least first. */
export const tiers = ["everyone", "subscriber", "vip", "moderator", "broadcaster"] as const;

export type Tier = (typeof tiers)[number];

export function isAtLeast(tier: Tier, needed: Tier): boolean {
  return tiers.indexOf(tier) >= tiers.indexOf(needed);
}

const badgeTiers: ReadonlyMap<string, Tier> = new Map<string, Tier>([
  ["broadcaster", "broadcaster"],
  ["moderator", "moderator"],
  ["lead_moderator", "moderator"],
  ["vip", "vip"],
  ["subscriber", "subscriber"],
  ["founder", "subscriber"],
]);

/** The highest tier among the badges that somebody wears in this channel. */
export function tierOfBadges(badges: Iterable<string>): Tier {
  let highest: Tier = "everyone";
  for (const badge of badges) {
    const tier = badgeTiers.get(badge);
    if (tier !== undefined && isAtLeast(tier, highest)) highest = tier;
  }
  return highest;
}

/** One line of chat, as every transport gives it. All text in it is hostile. */
export interface ChatMessage {
  /** Twitch's id of the line; empty where the server gives none. */
  readonly id: string;
  /** Twitch's number of the user; empty where the server gives none. */
  readonly userId: string;
  /** The login name, in lower case. */
  readonly userName: string;
  /** What the badges of this very line say. */
  readonly tier: Tier;
  readonly text: string;
  /** False for a line of another channel that Shared chat shows here: its badges count there, not here. */
  readonly ours: boolean;
}

export interface TransportHooks {
  /** Called once, when lines are read from now on. */
  onReady(): void;
  /** Never throws, never blocks. */
  onMessage(message: ChatMessage): void;
}

/** One way to read and write the chat of one channel. It never retries. */
export interface ChatTransport {
  /** Reads until aborted; rejects with a `Fault`: `surface-unreachable`, or `surface-refused` when Twitch says no. */
  run(hooks: TransportHooks, signal: AbortSignal): Promise<void>;
  /** Writes one line of at most 500 characters, as an answer to a line if given. Rejects with a `Fault`. */
  say(text: string, replyTo: string | undefined, signal: AbortSignal): Promise<void>;
}

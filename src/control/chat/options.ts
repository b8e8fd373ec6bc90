import type { Secret } from "../../domain/secret.ts";
import type { Report } from "../../domain/status.ts";
import type { CoolDown } from "./cool-downs.ts";
import type { Tier } from "./message.ts";
import type { CommandName } from "./parse-line.ts";

/** What may be asked in chat, by whom and how often. */
export interface ChatRules {
  /** What a command begins with; 1 to 16 characters. */
  readonly prefix: string;
  /** The least tier for each command. */
  readonly tiers: Readonly<Record<CommandName, Tier>>;
  readonly coolDowns: Readonly<Record<CommandName, CoolDown>>;
  /** What somebody counts as while `!allow` lasts. */
  readonly allowedTier: Tier;
  /** Absent: only who has the tier moves the camera. Present: everybody else of `tier` votes on it. */
  readonly vote?: VoteRules;
  /** Degrees of `!cam left` without a number. */
  readonly stepDegrees: number;
  /** Most degrees of one move. */
  readonly mostDegrees: number;
  /** Factor of `!zoom in`. */
  readonly zoomFactor: number;
}

export interface VoteRules {
  readonly windowSeconds: number;
  /** Fewer votes than this move nothing. */
  readonly minimumVotes: number;
  /** Who may vote. */
  readonly tier: Tier;
}

export interface ChatOptions {
  /** `eventsub`: EventSub for reading and Helix for writing, what Twitch recommends. `irc`: the older way. */
  readonly transport: "eventsub" | "irc";
  /** The id of the Twitch application: a public client, so there is no secret. */
  readonly clientId: string;
  /** The login name of the channel whose chat is read. */
  readonly channel: string;
  /** The file in which the login is kept (mode 0600). */
  readonly tokenPath: string;
  readonly rules: ChatRules;
  /** Hears what an operator must know: that a login is needed, that chat is lost or back, that answers were dropped. */
  readonly report: Report;
  /** Hears every new token, so that the log can mask it. */
  readonly onToken?: (token: Secret) => void;
  /** Default: Twitch's. */
  readonly eventSubUrl?: string;
  /** Default: Twitch's, over TLS. A host without TLS is reached at port 6667 and is meant for tests. */
  readonly ircHost?: string;
}

const never: CoolDown = { userSeconds: 0, globalSeconds: 0 };
const move: CoolDown = { userSeconds: 3, globalSeconds: 0.5 };
const answer: CoolDown = { userSeconds: 30, globalSeconds: 10 };
const operate: CoolDown = { userSeconds: 5, globalSeconds: 2 };

/** Operators run the line; VIPs and people who were allowed move the camera; everybody may ask. */
export const defaultRules: ChatRules = {
  prefix: "!",
  tiers: {
    start: "moderator",
    stop: "moderator",
    restart: "moderator",
    cam: "vip",
    zoom: "vip",
    view: "vip",
    light: "vip",
    clip: "subscriber",
    status: "everyone",
    bitrate: "everyone",
    setBitrate: "moderator",
    lock: "moderator",
    unlock: "moderator",
    allow: "moderator",
    deny: "moderator",
    help: "everyone",
    vote: "everyone",
  },
  coolDowns: {
    start: operate,
    // What makes things safe always works.
    stop: never,
    restart: operate,
    cam: move,
    zoom: move,
    view: move,
    light: move,
    clip: { userSeconds: 60, globalSeconds: 15 },
    status: answer,
    bitrate: answer,
    setBitrate: operate,
    lock: never,
    unlock: never,
    allow: never,
    deny: never,
    help: answer,
    vote: answer,
  },
  allowedTier: "vip",
  stepDegrees: 10,
  mostDegrees: 45,
  zoomFactor: 1.5,
};

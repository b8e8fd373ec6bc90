import { linesOfWords, wordAfter } from "../../lib/ip-text.ts";

export type Family = 4 | 6;

/** A route that leads somewhere, as `ip route show table all` tells it. */
export interface IpRoute {
  /** `default`, or an address with the bits of its network. */
  readonly to: string;
  readonly device: string;
  readonly gateway: string | undefined;
  /** The address that packets are sent from. */
  readonly source: string | undefined;
  readonly metric: number;
  /** `main`, or a number as text. */
  readonly table: string;
  readonly isOnlink: boolean;
}

/** A rule, as `ip rule` tells it. */
export interface IpRule {
  readonly priority: number;
  /** `all`, or an address. */
  readonly from: string;
  readonly table: string;
  /** Routes with no longer prefix than this do not count. */
  readonly suppress: number | undefined;
}

/** Begins a line about a route that leads nowhere, or to this machine itself. */
const otherKinds = new Set(
  "local broadcast multicast anycast unreachable blackhole prohibit throw nat".split(" "),
);

/** Reads the routes of all tables; those of other kinds (local, broadcast), and those over several ways at once, are left out. Total. */
export function parseRoutes(text: string): readonly IpRoute[] {
  return linesOfWords(text).flatMap((words) => {
    const [to = "", ...facts] = words;
    const device = wordAfter(facts, "dev");
    if (device === undefined || otherKinds.has(to) || to === "nexthop") return [];
    return {
      to,
      device,
      gateway: wordAfter(facts, "via"),
      source: wordAfter(facts, "src"),
      metric: Number(wordAfter(facts, "metric")) || 0,
      table: wordAfter(facts, "table") ?? "main",
      isOnlink: facts.includes("onlink"),
    };
  });
}

/** Reads the rules. Total. */
export function parseRules(text: string): readonly IpRule[] {
  return linesOfWords(text).flatMap(([number = "", ...facts]) => {
    const priority = /^(\d+):$/.exec(number)?.[1];
    const table = wordAfter(facts, "lookup");
    if (priority === undefined || table === undefined) return [];
    const suppress = wordAfter(facts, "suppress_prefixlength");
    return {
      priority: Number(priority),
      from: wordAfter(facts, "from") ?? "all",
      table,
      suppress: suppress === undefined ? undefined : Number(suppress),
    };
  });
}

/** Whether it takes everything, or half of everything, as some networks say it to get round those who look for the whole. */
export const takesEverything = ({ to }: IpRoute): boolean => to === "default" || /\/[01]$/.test(to);

export type Family = 4 | 6;

/** A route that leads somewhere, as `ip -json route show table all` tells it. */
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

/** A rule, as `ip -json rule` tells it. */
export interface IpRule {
  readonly priority: number;
  /** `all`, or an address. */
  readonly from: string;
  readonly table: string;
  /** Routes with no longer prefix than this do not count. */
  readonly suppress: number | undefined;
}

/** Reads the routes of all tables; those of other kinds (local, broadcast) are left out. Total. */
export function parseRoutes(json: string): readonly IpRoute[] {
  return listIn(json).flatMap((entry) => {
    const { dst, dev, gateway, prefsrc, metric, table, flags, type } = entry;
    if (type !== undefined && type !== "unicast") return [];
    if (typeof dst !== "string" || typeof dev !== "string") return [];
    return {
      to: dst,
      device: dev,
      gateway: textOf(gateway),
      source: textOf(prefsrc),
      metric: typeof metric === "number" ? metric : 0,
      table: textOf(table) ?? "main",
      isOnlink: Array.isArray(flags) && flags.includes("onlink"),
    };
  });
}

/** Reads the rules. Total. */
export function parseRules(json: string): readonly IpRule[] {
  return listIn(json).flatMap((entry) => {
    const { priority, src, table, suppress_prefixlen: suppress } = entry;
    if (typeof priority !== "number" || typeof table !== "string") return [];
    return {
      priority,
      from: textOf(src) ?? "all",
      table,
      suppress: typeof suppress === "number" ? suppress : undefined,
    };
  });
}

/** Whether it takes everything, or half of everything, as some networks say it to get round those who look for the whole. */
export const takesEverything = ({ to }: IpRoute): boolean => to === "default" || /\/[01]$/.test(to);

function listIn(json: string): readonly Readonly<Record<string, unknown>>[] {
  try {
    const value: unknown = JSON.parse(json === "" ? "[]" : json);
    return Array.isArray(value)
      ? value.filter((entry): entry is Record<string, unknown> => typeof entry === "object" && entry !== null)
      : [];
  } catch {
    return [];
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

import type { Log } from "../../lib/log.ts";

/** Sends what the library would print into our own log, at `debug`: what matters comes as a fault. */
export function quietLogger(log: Log): {
  readonly minLevel: string;
  readonly custom: (level: number, text: string) => void;
} {
  return { minLevel: "warning", custom: (_level, text) => log.debug({ library: "twurple" }, text) };
}

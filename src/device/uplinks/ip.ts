import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { text } from "node:stream/consumers";
import { Fault } from "../../domain/fault.ts";
import { startChild } from "../../lib/child.ts";
import { childSignal } from "../../lib/signals.ts";
import { parseRoutes, parseRules } from "./ip-facts.ts";
import type { Family } from "./ip-facts.ts";
import { toSendFrom } from "./ipv6-addresses.ts";
import type { Found } from "./plan.ts";

const limitMs = 5000;

/** Routes and rules of one family of addresses. Rejects with a `Fault`. */
export async function readFound(family: Family, signal: AbortSignal): Promise<Found> {
  const [routes, rules] = await Promise.all([
    runIp(family, ["route", "show", "table", "all"], signal),
    runIp(family, ["rule", "show"], signal),
  ]);
  return { routes: parseRoutes(routes), rules: parseRules(rules) };
}

/** Does all that can be done: what is in the way of one line is none of the next. Rejects with a `Fault` that names it. */
export async function change(family: Family, lines: readonly string[], signal: AbortSignal): Promise<void> {
  if (lines.length > 0) await runIp(family, ["-force", "-batch", "-"], signal, `${lines.join("\n")}\n`);
}

/** An interface's own addresses of one family that can be sent from, without those that lead no further than the cable. */
export function addressesOf(name: string, family: Family): readonly string[] {
  const all = (networkInterfaces()[name] ?? [])
    .filter((one) => one.family === `IPv${family}` && !/^(fe[89ab]|169\.254\.)/i.test(one.address))
    .map(({ address }) => address);
  return family === 4 || all.length === 0 ? all : toSendFrom(all, readFileSync("/proc/net/if_inet6", "utf8"));
}

async function runIp(
  family: Family,
  argv: readonly string[],
  signal: AbortSignal,
  input = "",
): Promise<string> {
  using scope = childSignal(signal);
  const timer = setTimeout(() => scope.abort(), limitMs);
  try {
    const purpose = "looking after the uplinks";
    await using child = await startChild("ip", [`-${family}`, ...argv], scope.signal, { purpose });
    child.stdin.end(input);
    const output = await text(child.stdout).catch(() => "");
    await child.done;
    if (scope.signal.aborted) throw new Fault("child-failed", `ip was ended after ${limitMs / 1000} s`);
    return output;
  } finally {
    clearTimeout(timer);
  }
}

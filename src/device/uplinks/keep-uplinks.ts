import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { UplinkConfig } from "../../config/uplink-config.ts";
import { toFault } from "../../domain/fault.ts";
import { nowUs } from "../../lib/clock.ts";
import { usualPolicy } from "./health.ts";
import type { HealthPolicy } from "./health.ts";
import { addressesOf, change, readFound } from "./ip.ts";
import type { Family } from "./ip-facts.ts";
import { Names } from "./names.ts";
import { findPaths, planChanges, spellStray, strayRoutes } from "./plan.ts";
import { ask } from "./question.ts";
import { WatchedUplinks } from "./watched.ts";
import type { Tell } from "./watched.ts";

export interface KeepUplinksOptions extends Pick<UplinkConfig, "robotInterface" | "uplinks" | "targets"> {
  readonly tell: Tell;
  /** Milliseconds for one connection; 2000 where absent. */
  readonly limitMs?: number;
  readonly policy?: HealthPolicy;
}

const usualLimitMs = 2000;
const tickMs = 500;
/** What nobody tells, as that somebody took our rules away, is found after this time. */
const lookAgainMs = 10_000;

/**
 * Keeps the traffic for the internet on an uplink that really carries it, and off the robot's interface, until aborted;
 * then everything is left as it would be without it. It takes the right to administer the network. Never rejects:
 * what cannot be done is told, and tried again.
 */
export async function keepUplinks(options: KeepUplinksOptions, signal: AbortSignal): Promise<void> {
  const families = ([4, 6] as const).map((family) => new FamilyKeeper(family, options));
  while (!signal.aborted) {
    for (const family of families) await family.look(signal);
    await sleep(tickMs, undefined, { signal }).catch(() => {});
  }
  for (const family of families) await family.leave();
}

class FamilyKeeper {
  readonly #family: Family;
  readonly #options: KeepUplinksOptions;
  readonly #watched: WatchedUplinks;
  readonly #names = new Names();
  #running = new Set<Promise<void>>();
  #seen = "";
  #seenAtMs = -Infinity;
  #told = "";
  #strays: readonly string[] = [];

  constructor(family: Family, options: KeepUplinksOptions) {
    this.#family = family;
    this.#options = options;
    this.#watched = new WatchedUplinks(family, options.policy ?? usualPolicy, options.tell);
  }

  /** One look: what has changed is put right, and whoever is due is asked. */
  async look(signal: AbortSignal): Promise<void> {
    try {
      const chosen = this.#watched.choose();
      const seen = `${chosen} ${await this.#glance()}`;
      if (seen !== this.#seen || nowMs() - this.#seenAtMs > lookAgainMs) {
        // As it was before: what changes meanwhile is another look's. What fails is tried again then, or after a while.
        this.#seen = seen;
        this.#seenAtMs = nowMs();
        await this.#settle(signal);
        this.#told = "";
      }
    } catch (error) {
      const { message } = toFault(error);
      if (!signal.aborted && message !== this.#told) this.#options.tell("warning", message);
      this.#told = message;
    }
    this.#askDue(signal);
  }

  /** Takes away what is ours. */
  async leave(): Promise<void> {
    await Promise.all(this.#running);
    const { signal } = new AbortController();
    try {
      await change(this.#family, planChanges(await readFound(this.#family, signal), [], undefined), signal);
    } catch (error) {
      this.#options.tell("warning", `The rules for the uplinks stay: ${toFault(error).message}`);
    }
  }

  async #settle(signal: AbortSignal): Promise<void> {
    const { uplinks, robotInterface, tell } = this.#options;
    const found = await readFound(this.#family, signal);
    const stray = strayRoutes(found.routes, robotInterface).map(spellStray);
    for (const route of stray)
      if (!this.#strays.includes(route))
        tell(
          "warning",
          `A route to everywhere is on ${robotInterface}, the robot's interface (${route}). It is taken away: the internet is not there.`,
        );
    this.#strays = stray;
    const paths = findPaths(uplinks, found.routes, (name) => addressesOf(name, this.#family));
    this.#watched.meet(paths, nowMs());
    const chosen = this.#watched.choose();
    await change(
      this.#family,
      // With one uplink there is no choice, and the system's own routes do.
      [
        ...stray.map((route) => `route del ${route}`),
        ...planChanges(found, uplinks.length > 1 ? paths : [], chosen),
      ],
      signal,
    );
  }

  #askDue(signal: AbortSignal): void {
    const { targets, limitMs = usualLimitMs } = this.#options;
    const family = this.#family;
    const asked = this.#watched.askDue(
      (from, isDoubtful) => ask({ targets, family, from, isDoubtful, limitMs }, this.#names, signal),
      nowMs,
    );
    for (const one of asked) {
      this.#running.add(one);
      void one.finally(() => this.#running.delete(one));
    }
  }

  /** The main table in a few words that only change when it does; the programs that tell more are asked then. */
  async #glance(): Promise<string> {
    const addresses = this.#options.uplinks.map((name) => addressesOf(name, this.#family).join());
    const path = this.#family === 4 ? "/proc/net/route" : "/proc/net/ipv6_route";
    const table = await readFile(path, "utf8").catch(() => "");
    const lines = table.split("\n").map((line) => {
      const words = line.trim().split(/\s+/);
      // Of IPv6 without the counters, which change with every packet.
      return (this.#family === 4 ? words : [0, 1, 4, 5, 9].map((at) => words[at])).join(" ");
    });
    return [...addresses, ...lines].join("\n");
  }
}

const nowMs = (): number => nowUs() / 1000;

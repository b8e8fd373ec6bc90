import { Resolver, lookup } from "node:dns/promises";
import type { Family } from "./ip-facts.ts";

/**
 * Public name servers, asked over the uplink itself: the system's own may be on the uplink that is sick, or lie for a
 * captive portal. Who cannot ask any name server at all, but reaches one of these, has the internet.
 */
export const publicServers: Readonly<Record<Family, readonly string[]>> = {
  4: ["1.1.1.1", "9.9.9.9"],
  6: ["2606:4700:4700::1111", "2620:fe::fe"],
};

const serverMs = 1500;

/** Finds the addresses of names, and remembers which one has answered. */
export class Names {
  readonly #known = new Map<string, string>();
  readonly #pending = new Map<string, Promise<readonly string[]>>();

  /** An address that has answered before. */
  known(host: string, family: Family): string | undefined {
    return this.#known.get(keyOf(host, family));
  }

  remember(host: string, family: Family, address: string): void {
    this.#known.set(keyOf(host, family), address);
  }

  /** What the system's name servers say, and what public ones say over the uplink with this address. Never rejects. */
  async find(host: string, family: Family, from: string): Promise<readonly string[]> {
    const found = await Promise.all([this.#ofSystem(host, family), ofPublic(host, family, from)]);
    return [...new Set(found.flat())];
  }

  /** One question at a time: the system's cannot be called off, and may hang for half a minute. */
  async #ofSystem(host: string, family: Family): Promise<readonly string[]> {
    const key = keyOf(host, family);
    const pending =
      this.#pending.get(key) ??
      lookup(host, { all: true, family })
        .then(
          (found) => found.map(({ address }) => address),
          () => [],
        )
        .finally(() => this.#pending.delete(key));
    this.#pending.set(key, pending);
    const late = Promise.withResolvers<readonly string[]>();
    const timer = setTimeout(() => late.resolve([]), serverMs);
    return await Promise.race([pending, late.promise]).finally(() => clearTimeout(timer));
  }
}

async function ofPublic(host: string, family: Family, from: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: serverMs, tries: 1 });
  const late = setTimeout(() => resolver.cancel(), serverMs);
  try {
    resolver.setServers(publicServers[family]);
    if (family === 4) resolver.setLocalAddress(from);
    else resolver.setLocalAddress("0.0.0.0", from);
    return await (family === 4 ? resolver.resolve4(host) : resolver.resolve6(host));
  } catch {
    return [];
  } finally {
    clearTimeout(late);
  }
}

const keyOf = (host: string, family: Family): string => `${host} ${family}`;

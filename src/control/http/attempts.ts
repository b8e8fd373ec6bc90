import { isIPv6 } from "node:net";
import { nowUs } from "../../lib/clock.ts";

export interface AttemptLimits {
  /** Wrong credentials allowed in one window. */
  readonly most: number;
  readonly windowMs: number;
  /** Most addresses remembered; beyond it the oldest is forgotten. */
  readonly addresses: number;
}

/**
 * Counts wrong credentials for each address. A blocked address must be turned away before its credentials are
 * looked at: otherwise guessing goes on, and only the wrong guesses are slowed down.
 */
export class LoginAttempts {
  readonly #limits: AttemptLimits;
  readonly #now: () => number;
  readonly #failures = new Map<string, { count: number; readonly sinceUs: number }>();

  constructor(limits: AttemptLimits, now: () => number = nowUs) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Seconds for which an address has to wait, at least 1; 0 when it may try. */
  waitSeconds(address: string): number {
    const known = this.#failures.get(networkOf(address));
    if (known === undefined || known.count < this.#limits.most) return 0;
    const leftUs = known.sinceUs + this.#limits.windowMs * 1000 - this.#now();
    return leftUs <= 0 ? 0 : Math.max(1, Math.ceil(leftUs / 1_000_000));
  }

  countWrong(address: string): void {
    const network = networkOf(address);
    const known = this.#failures.get(network);
    if (known !== undefined && this.#now() < known.sinceUs + this.#limits.windowMs * 1000) {
      known.count += 1;
      return;
    }
    this.#failures.delete(network); // a new window takes the place of a new address
    this.#failures.set(network, { count: 1, sinceUs: this.#now() });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > this.#limits.addresses && oldest !== undefined) this.#failures.delete(oldest);
  }

  get size(): number {
    return this.#failures.size;
  }
}

/** One subscriber has a whole /64 of IPv6 addresses, so it counts as one (RFC 6177). */
function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = "", tail = ""] = (address.split("%")[0] ?? "").split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const [left, right] = [groups(head), groups(tail)];
  const zeros = address.includes("::") ? Math.max(0, 8 - left.length - right.length) : 0;
  return [...left, ...Array<string>(zeros).fill("0"), ...right].slice(0, 4).join(":");
}

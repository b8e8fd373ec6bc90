import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { nowUs } from "../../lib/clock.ts";

/** One login of a browser. */
export interface Session {
  /** Whose it is. */
  readonly by: string;
  /** What a page must send along with everything that changes something; a page of another site cannot read it. */
  readonly csrf: string;
  /** Aborts at logout, at expiry and when another login takes the place: what was opened with it ends too. */
  readonly ended: AbortSignal;
}

export interface SessionLimits {
  /** Beyond it the one that was used longest ago ends. */
  readonly most: number;
  /** Without a request for so long a session ends. */
  readonly idleSeconds: number;
}

interface Entry {
  readonly session: Session;
  readonly controller: AbortController;
  usedUs: number;
}

/**
 * The logins of browsers, in memory alone: they end with the process. Known by the digest of their token, so that
 * neither a look-up's time nor this map tells a token.
 */
export class Sessions {
  readonly #limits: SessionLimits;
  readonly #now: () => number;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();

  constructor(limits: SessionLimits, now: () => number = nowUs) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Begins a session and gives the token by which it is found again: 256 bits, for the browser alone. */
  begin(by: string): { readonly token: string; readonly session: Session } {
    this.#forgetOld();
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= this.#limits.most && oldest !== undefined) this.#end(oldest);
    const token = createToken();
    const controller = new AbortController();
    const session = { by, csrf: createToken(), ended: controller.signal };
    this.#entries.set(digest(token), { session, controller, usedUs: this.#now() });
    return { token, session };
  }

  /** Gives the session of a token, which counts as a use of it. Total. */
  find(token: string | undefined): Session | undefined {
    if (token === undefined) return undefined;
    this.#forgetOld();
    const key = digest(token);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.usedUs = this.#now();
    return entry.session;
  }

  end(token: string | undefined): void {
    if (token !== undefined) this.#end(digest(token));
  }

  get size(): number {
    return this.#entries.size;
  }

  #end(key: string): void {
    this.#entries.get(key)?.controller.abort();
    this.#entries.delete(key);
  }

  #forgetOld(): void {
    const before = this.#now() - this.#limits.idleSeconds * 1_000_000;
    for (const [key, { usedUs }] of this.#entries) {
      if (usedUs > before) return;
      this.#end(key);
    }
  }
}

/** 256 random bits that may stand in a cookie and in a header. */
export function createToken(): string {
  return randomBytes(32).toString("base64url");
}

/** Compares what came with what is right; takes the same time for every wrong text. Total. */
export function isSameSecret(given: unknown, right: string): boolean {
  if (typeof given !== "string") return false;
  return timingSafeEqual(Buffer.from(digest(given)), Buffer.from(digest(right)));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

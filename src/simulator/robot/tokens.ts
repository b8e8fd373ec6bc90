import { generateKeyPairSync, randomUUID, sign, timingSafeEqual } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { authStatus } from "../../lib/spot-protocol.ts";
import { nowUs } from "../../lib/clock.ts";

/** Whom a token speaks for. */
export type Bearer =
  | { readonly kind: "user"; readonly name: string }
  | { readonly kind: "payload"; readonly name: string };

/**
 * Makes and knows the robot's user tokens: JSON Web Tokens signed with ES256, as the robot's are. A client must take
 * them as they are, and the robot believes only those that it has made itself.
 */
export class Tokens {
  readonly #lifeMs: number;
  readonly #key: KeyObject = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  readonly #live = new Map<string, { readonly bearer: Bearer; readonly expiresUs: number }>();

  constructor(lifeMs: number) {
    this.#lifeMs = lifeMs;
  }

  mint(bearer: Bearer): string {
    const issued = Math.floor(Date.now() / 1000);
    const expires = issued + Math.ceil(this.#lifeMs / 1000);
    const claims = {
      iss: "simulated-robot",
      sub: bearer.name,
      iat: issued,
      exp: expires,
      jti: randomUUID(),
      per: "sm",
    };
    const head = `${encode({ alg: "ES256", typ: "JWT" })}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(head), { key: this.#key, dsaEncoding: "ieee-p1363" });
    const token = `${head}.${signature.toString("base64url")}`;
    this.#forgetExpired();
    this.#live.set(token, { bearer, expiresUs: nowUs() + this.#lifeMs * 1000 });
    return token;
  }

  /** Whom `token` speaks for; undefined when it is not ours or its time is over. */
  bearerOf(token: string): Bearer | undefined {
    this.#forgetExpired();
    return this.#live.get(token)?.bearer;
  }

  /** Whom an `authorization` header speaks for; undefined without a good token in it. */
  bearerOfHeader(header: string | undefined): Bearer | undefined {
    const [, token] = /^Bearer (\S+)$/.exec(header ?? "") ?? [];
    return token === undefined ? undefined : this.bearerOf(token);
  }

  expireAll(): void {
    this.#live.clear();
  }

  #forgetExpired(): void {
    const now = nowUs();
    for (const [token, { expiresUs }] of this.#live) if (expiresUs <= now) this.#live.delete(token);
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

const failuresBeforeLockOut = 6;

/** The one user account: its password, and the lock that six failures in a row put on it for a while. */
export class Account {
  readonly #username: string;
  readonly #password: string;
  readonly #lockOutMs: number;
  #failures = 0;
  #lockedUntilUs = 0;

  constructor(username: string, password: string, lockOutMs: number) {
    this.#username = username;
    this.#password = password;
    this.#lockOutMs = lockOutMs;
  }

  /** Gives a `GetAuthTokenResponse.status`. While the account is locked even the right password is refused. */
  logIn(username: string, password: string): number {
    if (nowUs() < this.#lockedUntilUs) return authStatus.temporarilyLockedOut;
    if (isSame(username, this.#username) && isSame(password, this.#password)) {
      this.#failures = 0;
      return authStatus.ok;
    }
    this.#failures += 1;
    if (this.#failures < failuresBeforeLockOut) return authStatus.invalidLogin;
    this.#failures = 0;
    this.#lockedUntilUs = nowUs() + this.#lockOutMs * 1000;
    return authStatus.temporarilyLockedOut;
  }
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

import type { FastifyRequest } from "fastify";
import type { Secret } from "../../domain/secret.ts";
import { LoginAttempts } from "./attempts.ts";
import { readCookie, writeCookie } from "./cookies.ts";
import { createCredentialCheck } from "./credentials.ts";
import type { Identity } from "./credentials.ts";
import { isProtected } from "./options.ts";
import type { HttpOptions } from "./options.ts";
import { createToken, isSameSecret, Sessions } from "./sessions.ts";
import type { Session } from "./sessions.ts";

/** Of the cookie that holds the token of a session. */
export const cookieName = "spotlive_session";
const week = 604_800;
const sessionLimits = { most: 32, idleSeconds: week };
const attemptLimits = { most: 5, windowMs: 60_000, addresses: 1000 };

/** Who may: the one place that knows credentials, the sessions of browsers, and who has guessed wrong too often. */
export interface Access {
  /** False where everybody on this machine may do everything. */
  readonly isProtected: boolean;
  readonly sessions: Sessions;
  readonly attempts: LoginAttempts;
  /** What the `Authorization` header is worth. */
  check(authorization: string | undefined): Identity;
  /** Gives the name of whoever logs in with these; undefined where they are wrong. */
  login(user: string, password: string): string | undefined;
  sessionOf(request: FastifyRequest): Session | undefined;
  /** What the page of a request must send along with everything that changes something. */
  csrfOf(session: Session | undefined): string | undefined;
  hasCsrf(request: FastifyRequest): boolean;
}

export function createAccess(options: HttpOptions): Access {
  const sessions = new Sessions(sessionLimits);
  const check = createCredentialCheck(options);
  const needed = isProtected(options);
  // Without credentials there are no sessions, but the page of another site must not act here either.
  const openCsrf = createToken();
  const csrfOf = (session: Session | undefined): string | undefined => (needed ? session?.csrf : openCsrf);
  return {
    isProtected: needed,
    sessions,
    attempts: new LoginAttempts(attemptLimits),
    check,
    login(user, password) {
      // Both are judged, so that the time does not tell which there is.
      const name = isSameLogin(options.password, user === options.user, password) ? options.user : undefined;
      const program = isSameLogin(options.token, true, password) ? "token" : undefined;
      return name ?? program;
    },
    sessionOf: (request) => sessions.find(tokenOf(request)),
    csrfOf,
    hasCsrf(request) {
      const right = csrfOf(request.session);
      return right !== undefined && isSameSecret(request.headers["x-spotlive-csrf"], right);
    },
  };
}

function isSameLogin(secret: Secret | undefined, isUser: boolean, given: string): boolean {
  return secret !== undefined && isSameSecret(given, secret.reveal()) && isUser;
}

/** The token in the cookie of a request. */
export function tokenOf(request: FastifyRequest): string | undefined {
  return readCookie(request.headers.cookie, cookieName);
}

export const sessionCookie = (token: string): string => writeCookie(cookieName, token, week);
export const noSessionCookie = writeCookie(cookieName, "", 0);

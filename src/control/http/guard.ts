import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Fault, summarize } from "../../domain/fault.ts";
import type { Access } from "./access.ts";
import { isLoopback } from "./options.ts";
import type { HttpOptions } from "./options.ts";
import type { Session } from "./sessions.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The user whose credentials came with the request; undefined where none are needed. */
    by: string | undefined;
    /** The login of the browser that asks; undefined for everybody else. */
    session: Session | undefined;
  }
  interface FastifyContextConfig {
    /** Answers without credentials. */
    readonly open?: boolean;
    /** A page that a link of another site may lead to. */
    readonly page?: boolean;
  }
}

/** What a page of ours may do at most; the one that serves pages sets its own policy. */
const headers = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Puts what every request has to pass before every route, the unknown ones too. */
export function guard(app: FastifyInstance, options: HttpOptions, access: Access): void {
  app.decorateRequest("by", undefined);
  app.decorateRequest("session", undefined);
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(headers);
    if (isForeign(request, options)) return refuse(reply, 421, foreign);
    request.session = access.sessionOf(request);
    request.by = request.session?.by;
    if (request.routeOptions.config.open === true) return undefined;
    return access.isProtected
      ? refuseStranger(request, reply, options, access)
      : refuseForgery(request, reply, access, isFromBrowser(request));
  });
}

/** Credentials of the request itself count before the session of the browser. */
function refuseStranger(
  request: FastifyRequest,
  reply: FastifyReply,
  options: HttpOptions,
  access: Access,
): FastifyReply | undefined {
  const { authorization } = request.headers;
  // A session is not guessed: whoever guesses passwords behind the same proxy does not lock it out.
  if (request.session !== undefined && authorization === undefined)
    return refuseForgery(request, reply, access, true);
  const waitSeconds = access.attempts.waitSeconds(request.ip);
  if (waitSeconds > 0) return refuseForNow(reply, waitSeconds);
  const identity = access.check(authorization);
  if (identity.kind === "known") {
    request.by = identity.by;
    return undefined;
  }
  if (identity.kind === "wrong") access.attempts.countWrong(request.ip);
  reply.header("www-authenticate", schemesFor(request, options));
  return refuse(reply, 401, identity.kind === "wrong" ? wrong : absent);
}

/** A page's request that changes something must show that the page has read what only our own page can. */
function refuseForgery(
  request: FastifyRequest,
  reply: FastifyReply,
  access: Access,
  isPage: boolean,
): FastifyReply | undefined {
  const isSafe = request.method === "GET" || request.method === "HEAD";
  return isSafe || !isPage || access.hasCsrf(request) ? undefined : refuse(reply, 403, forged);
}

/**
 * A page of another site must not act through the browser of somebody who may: neither under a name that it pointed
 * at loopback (DNS rebinding) nor with the credentials that the browser remembers (request forgery).
 */
function isForeign(request: FastifyRequest, { host, allowedHosts }: HttpOptions): boolean {
  const name = request.host.replace(/:\d*$/, "");
  const known = isLoopback(name.replace(/^\[(.*)\]$/, "$1")) || allowedHosts.includes(name.toLowerCase());
  if (isLoopback(host) && !known) return true;
  const { origin, "sec-fetch-site": site } = request.headers;
  if (origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== request.host)) return true;
  // Without an Origin: a picture or a script that another site's page names (Fetch Metadata, 2.3).
  const isOther = site === "cross-site" || site === "same-site";
  return isOther && request.routeOptions.config.page !== true;
}

/** Browsers name the page's origin where something may be changed, and no other program does. */
const isFromBrowser = ({ headers }: FastifyRequest): boolean =>
  headers.origin !== undefined || headers["sec-fetch-site"] !== undefined;

/**
 * How to log in. A browser opens a window for a password when it is told of Basic: right where a person asked for an
 * address, wrong behind the back of a page that has its own form. Pages' scripts do not ask for HTML.
 */
function schemesFor(request: FastifyRequest, { password, token }: HttpOptions): readonly string[] {
  const { "user-agent": agent = "", accept = "" } = request.headers;
  const isScript = agent.startsWith("Mozilla/") && !accept.includes("text/html");
  const schemes = [
    ...(password === undefined || isScript ? [] : ['Basic realm="spotlive", charset="UTF-8"']),
    ...(token === undefined ? [] : ['Bearer realm="spotlive"']),
  ];
  return schemes.length > 0 ? schemes : ['Session realm="spotlive"'];
}

const foreign = new Fault(
  "not-permitted",
  "This request names another host or comes from another site's page. Ask by the address that spotlive listens on.",
);
const absent = new Fault("not-permitted", "Expected a user and password or a token, got none.");
const wrong = new Fault("not-permitted", "The user, the password or the token is wrong.");
const forged = new Fault(
  "not-permitted",
  "Expected the header x-spotlive-csrf with what GET /api/session gives, got none or another. Load the page again.",
);

/** For an address that has guessed wrong too often. */
export function refuseForNow(reply: FastifyReply, waitSeconds: number): FastifyReply {
  const text = `Too many wrong logins from this address. Try again in ${waitSeconds} s.`;
  reply.header("retry-after", waitSeconds);
  return refuse(reply, 429, new Fault("rate-limited", text));
}

/** For wrong credentials; the connection ends, as whatever guesses must begin anew. */
export function refuseWrong(reply: FastifyReply): FastifyReply {
  return refuse(reply, 401, wrong);
}

function refuse(reply: FastifyReply, code: number, fault: Fault): FastifyReply {
  return reply
    .code(code)
    .header("connection", "close")
    .send({ ok: false, fault: summarize(fault) });
}

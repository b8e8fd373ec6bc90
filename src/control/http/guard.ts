import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Fault, summarize } from "../../domain/fault.ts";
import { LoginAttempts } from "./attempts.ts";
import { createCredentialCheck } from "./credentials.ts";
import { isLoopback, isProtected } from "./options.ts";
import type { HttpOptions } from "./options.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The user whose credentials came with the request; undefined where none are needed. */
    by: string | undefined;
  }
  interface FastifyContextConfig {
    /** Answers without credentials. */
    readonly open?: boolean;
  }
}

const attemptLimits = { most: 5, windowMs: 60_000, addresses: 1000 };

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
export function guard(app: FastifyInstance, options: HttpOptions): void {
  app.decorateRequest("by", undefined);
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(headers);
    return foreignSite(request, options) ? refuse(reply, 421, foreign) : undefined;
  });
  if (isProtected(options)) guardWithCredentials(app, options);
}

function guardWithCredentials(app: FastifyInstance, options: HttpOptions): void {
  const check = createCredentialCheck(options);
  const attempts = new LoginAttempts(attemptLimits);
  const schemes = [
    ...(options.password === undefined ? [] : ['Basic realm="spotlive", charset="UTF-8"']),
    ...(options.token === undefined ? [] : ['Bearer realm="spotlive"']),
  ];
  app.addHook("onRequest", async (request, reply) => {
    if (request.routeOptions.config.open === true) return undefined;
    const waitSeconds = attempts.waitSeconds(request.ip);
    if (waitSeconds > 0) {
      reply.header("retry-after", waitSeconds);
      return refuse(reply, 429, tooMany(waitSeconds));
    }
    const identity = check(request.headers.authorization);
    if (identity.kind === "known") {
      request.by = identity.by;
      return undefined;
    }
    if (identity.kind === "wrong") attempts.countWrong(request.ip);
    reply.header("www-authenticate", schemes);
    return refuse(reply, 401, identity.kind === "wrong" ? wrong : absent);
  });
}

/**
 * A page of another site must not act through the browser of somebody who may: neither under a name that it pointed
 * at loopback (DNS rebinding) nor with the credentials that the browser remembers (request forgery).
 */
function foreignSite(request: FastifyRequest, { host, allowedHosts }: HttpOptions): boolean {
  const name = request.host.replace(/:\d*$/, "");
  const known = isLoopback(name.replace(/^\[(.*)\]$/, "$1")) || allowedHosts.includes(name.toLowerCase());
  if (isLoopback(host) && !known) return true;
  const { origin } = request.headers;
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== request.host);
}

const foreign = new Fault(
  "not-permitted",
  "This request names another host or comes from another site's page. Ask by the address that spotlive listens on.",
);
const absent = new Fault("not-permitted", "Expected a user and password or a token, got none.");
const wrong = new Fault("not-permitted", "The user, the password or the token is wrong.");
const tooMany = (seconds: number): Fault =>
  new Fault("rate-limited", `Too many wrong logins from this address. Try again in ${seconds} s.`);

function refuse(reply: FastifyReply, code: number, fault: Fault): FastifyReply {
  return reply
    .code(code)
    .header("connection", "close")
    .send({ ok: false, fault: summarize(fault) });
}

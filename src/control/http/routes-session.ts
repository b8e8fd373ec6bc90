import type { FastifyReply } from "fastify";
import { Fault } from "../../domain/fault.ts";
import { noSessionCookie, sessionCookie, tokenOf } from "./access.ts";
import type { RouteGroup } from "./door.ts";
import { refuseForNow, refuseWrong } from "./guard.ts";
import { answers, jsonOf, refusals } from "./schemas.ts";
import type { Session } from "./sessions.ts";

/** The login of a browser: what a page asks first, and how it comes in and leaves. */
export const sessionRoutes: RouteGroup = (app, { access, options }) => {
  const tell = (session: Session | undefined): object => ({
    protected: access.isProtected,
    by: session?.by ?? null,
    csrf: access.csrfOf(session) ?? null,
    version: options.version,
    setup: options.setup?.isFirstRun ?? false,
  });

  app.get("/api/session", { config: { open: true, operation: askOperation } }, (request, reply) => {
    const token = tokenOf(request);
    // The browser forgets the cookie a week after it was last set.
    if (request.session !== undefined && token !== undefined)
      reply.header("set-cookie", sessionCookie(token));
    return tell(request.session);
  });

  app.post("/api/session", { config: { open: true, operation: loginOperation } }, (request, reply) => {
    const { username, password } = parseLogin(request.body);
    if (!access.isProtected) return tell(undefined);
    const waitSeconds = access.attempts.waitSeconds(request.ip);
    if (waitSeconds > 0) return refuseForNow(reply, waitSeconds);
    const by = access.login(username, password);
    if (by === undefined) {
      access.attempts.countWrong(request.ip);
      return refuseWrong(reply);
    }
    access.sessions.end(tokenOf(request));
    const { token, session } = access.sessions.begin(by);
    reply.header("set-cookie", sessionCookie(token));
    return tell(session);
  });

  app.delete("/api/session", { config: { operation: logoutOperation } }, (request, reply): FastifyReply => {
    access.sessions.end(tokenOf(request));
    return reply.header("set-cookie", noSessionCookie).send(tell(undefined));
  });
};

const longest = 1024;

function parseLogin(body: unknown): { readonly username: string; readonly password: string } {
  const given: Readonly<Record<string, unknown>> =
    typeof body === "object" && body !== null ? { ...body } : {};
  const { username, password } = given;
  const isShort = (value: unknown): value is string => typeof value === "string" && value.length <= longest;
  if (isShort(username) && isShort(password)) return { username, password };
  throw new Fault("malformed", `Expected username and password, texts of at most ${longest} characters.`);
}

const session = answers(jsonOf("Session"));

const askOperation = {
  summary:
    "Who is logged in, and what a page must send along with what changes something; needs no credentials",
  security: [],
  responses: session,
};

const loginOperation = {
  summary: "Logs a browser in, with a cookie",
  description: "With the user and the password, or with the token as the password of any user.",
  security: [],
  requestBody: {
    required: true,
    content: jsonOf("Login"),
  },
  responses: {
    ...session,
    ...refusals({
      400: "The request is not understood",
      401: "The user, the password or the token is wrong",
      429: "Too many wrong logins",
    }),
  },
};

const logoutOperation = {
  summary: "Ends the login of the browser, and what it has open",
  responses: { ...session, ...refusals({ 403: "The header x-spotlive-csrf is missing or wrong" }) },
};

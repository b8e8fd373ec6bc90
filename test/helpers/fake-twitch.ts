import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

/**
 * What chat needs of Twitch, written from its documentation: device login, one-time refresh tokens, `/validate`,
 * users, EventSub subscriptions and websocket, Send Chat Message. Strict where Twitch is: wrong tokens, ids, scopes,
 * sessions and lengths are refused. Its paths are those of the Twitch CLI's mock server.
 */
export interface FakeTwitch extends AsyncDisposable {
  readonly port: number;
  readonly authUrl: string;
  readonly eventSubUrl: string;
  readonly clientId: string;
  /** A login as `spotlive twitch login` would have saved it. */
  issueLogin(): Promise<Record<string, unknown>>;
  /** Somebody enters the code that the newest device login shows. */
  enterCode(): void;
  /** All access tokens end; refresh tokens still hold. */
  expireAccess(): void;
  /** All tokens end, as after 30 days or a changed password. */
  endLogins(): void;
  /** Called with the access token of every further Helix call that is let in, before it is answered. */
  watchAccess(check: (accessToken: string) => void): void;
  /** The refresh tokens that were used, in order. */
  readonly refreshed: readonly string[];
  readonly validations: number;
  /** Every token request of a device login: how Twitch answered. */
  readonly polls: readonly string[];
  /** What stands in chat by the bot. */
  readonly said: readonly { readonly text: string; readonly replyTo: string | undefined }[];
  /** The next so many lines are refused with 429 until a second later. */
  limitSaying(times: number): void;
  /** Sessions that read chat now. */
  readonly readers: number;
  /** Websockets that were opened so far. */
  readonly connections: number;
  /** Somebody writes a line; gives its id. `again` sends the notification once more, as Twitch may. */
  chat(line: FakeLine): string;
  /** Sends this text as it is to every session. */
  sendRaw(text: string): void;
  /** Keepalives stop, and everything else with them, without the connections closing. */
  fallSilent(): void;
  /** Asks every session to go on at a new address. */
  moveSessions(): void;
  revoke(status: string): void;
  /** Cuts every websocket. */
  cut(): void;
}

export interface FakeLine {
  readonly text: string;
  readonly user?: string;
  readonly badges?: readonly string[];
  readonly id?: string;
  /** The channel that the line came from in a shared chat. */
  readonly source?: string;
}

interface Session {
  readonly id: string;
  readonly socket: Duplex;
  subscription: string | undefined;
}

type Body = Readonly<Record<string, unknown>>;

const clientId = "fake-client";
const bot = { id: "900", login: "spotbot" };
const users: Readonly<Record<string, string>> = { spotbot: "900", robolab: "100", otherlab: "200" };
const keepaliveSeconds = 1;

export async function startFakeTwitch(): Promise<FakeTwitch> {
  const access = new Map<string, readonly string[]>();
  const refresh = new Map<string, readonly string[]>();
  const sessions = new Map<string, Session>();
  const [refreshed, polls]: [string[], string[]] = [[], []];
  const said: { text: string; replyTo: string | undefined }[] = [];
  let device:
    | { readonly code: string; readonly scopes: readonly string[]; entered: boolean; polledMs: number }
    | undefined;
  let [connections, validations, limited, limitedUntilMs] = [0, 0, 0, 0];
  let silent = false;
  let check: (accessToken: string) => void = () => {};

  const grant = (scopes: readonly string[]): Body => {
    const [accessToken, refreshToken] = [`access-${randomUUID()}`, `refresh-${randomUUID()}`];
    access.set(accessToken, scopes);
    refresh.set(refreshToken, scopes);
    return {
      access_token: accessToken,
      refresh_token: refreshToken,
      expires_in: 14_400,
      scope: scopes,
      token_type: "bearer",
    };
  };

  const scopesOf = (request: IncomingMessage, scheme: string): readonly string[] | undefined => {
    const [given, token = ""] = (request.headers.authorization ?? "").split(" ");
    return given === scheme ? access.get(token) : undefined;
  };

  const token = (form: URLSearchParams): [number, Body] => {
    if (form.get("client_id") !== clientId) return [400, { status: 400, message: "invalid client" }];
    if (form.has("client_secret")) return [403, { status: 403, message: "invalid client secret" }];
    if (form.get("grant_type") === "refresh_token") {
      const used = form.get("refresh_token") ?? "";
      const scopes = refresh.get(used);
      if (scopes === undefined) return [400, { status: 400, message: "Invalid refresh token" }];
      // Of a public client a refresh token is good for one use.
      refresh.delete(used);
      refreshed.push(used);
      return [200, grant(scopes)];
    }
    if (device === undefined || form.get("device_code") !== device.code)
      return [400, { status: 400, message: "invalid device code" }];
    const tooFast = Date.now() - device.polledMs < 900;
    device.polledMs = Date.now();
    if (tooFast || !device.entered) {
      const message = tooFast ? "slow_down" : "authorization_pending";
      polls.push(message);
      return [400, { status: 400, message }];
    }
    polls.push("ok");
    const { scopes } = device;
    device = undefined;
    return [200, grant(scopes)];
  };

  const helix = (request: IncomingMessage, scope: string | undefined): [number, Body] | undefined => {
    const scopes = scopesOf(request, "Bearer");
    if (scopes === undefined || request.headers["client-id"] !== clientId)
      return [401, { error: "Unauthorized", status: 401, message: "Invalid OAuth token" }];
    if (scope !== undefined && !scopes.includes(scope))
      return [403, { error: "Forbidden", status: 403, message: `missing scope ${scope}` }];
    check((request.headers.authorization ?? "").slice("Bearer ".length));
    return undefined;
  };

  const subscribe = (request: IncomingMessage, body: Body): [number, Body] => {
    const refused = helix(request, "user:read:chat");
    if (refused !== undefined) return refused;
    const { type, version, condition, transport } = body as {
      readonly type: string;
      readonly version: string;
      readonly condition: { readonly broadcaster_user_id: string; readonly user_id: string };
      readonly transport: { readonly method: string; readonly session_id: string };
    };
    const session = sessions.get(transport.session_id);
    if (
      type !== "channel.chat.message" ||
      version !== "1" ||
      transport.method !== "websocket" ||
      session === undefined
    )
      return [400, { error: "Bad Request", status: 400, message: "bad subscription" }];
    if (condition.user_id !== bot.id || condition.broadcaster_user_id !== users["robolab"])
      return [403, { error: "Forbidden", status: 403, message: "subscription missing proper authorization" }];
    session.subscription = randomUUID();
    const data = [
      { id: session.subscription, status: "enabled", type, version, condition, transport, cost: 0 },
    ];
    return [202, { data, total: 1, total_cost: 0, max_total_cost: 10 }];
  };

  const send = (
    request: IncomingMessage,
    response: ServerResponse,
    body: Body,
    query: URLSearchParams,
  ): [number, Body] => {
    const refused = helix(request, "user:write:chat");
    if (refused !== undefined) return refused;
    // The library sends the ids in the query, the documentation in the body; Twitch takes both.
    const value = (name: string): unknown => body[name] ?? query.get(name);
    const { message: text, reply_parent_message_id: replyTo } = body;
    response.setHeader("ratelimit-limit", 800).setHeader("ratelimit-reset", Math.ceil(limitedUntilMs / 1000));
    response.setHeader("ratelimit-remaining", limited > 0 ? 0 : 790);
    if (limited > 0) {
      limited -= 1;
      return [429, { error: "Too Many Requests", status: 429, message: "rate limited" }];
    }
    if (
      value("sender_id") !== bot.id ||
      value("broadcaster_id") !== users["robolab"] ||
      typeof text !== "string"
    )
      return [400, { error: "Bad Request", status: 400, message: "bad ids" }];
    if (text.length === 0 || text.length > 500)
      return [400, { error: "Bad Request", status: 400, message: "the message is too long" }];
    said.push({ text, replyTo: typeof replyTo === "string" ? replyTo : undefined });
    return [200, { data: [{ message_id: randomUUID(), is_sent: true, drop_reason: null }] }];
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<[number, Body]> => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const text = await readAll(request);
    const form = new URLSearchParams(text === "" ? url.searchParams : text);
    switch (`${request.method} ${url.pathname}`) {
      case "POST /auth/device": {
        if (form.get("client_id") !== clientId) return [400, { status: 400, message: "invalid client" }];
        const scopes = (form.get("scopes") ?? "").split(" ");
        device = { code: randomUUID(), scopes, entered: false, polledMs: Date.now() };
        const verification = {
          user_code: "ABCDEFGH",
          verification_uri: "https://www.twitch.tv/activate?device-code=ABCDEFGH",
        };
        return [200, { device_code: device.code, expires_in: 1800, interval: 1, ...verification }];
      }
      case "POST /auth/token":
        return token(form);
      case "GET /auth/validate": {
        validations += 1;
        const scopes = scopesOf(request, "OAuth");
        if (scopes === undefined) return [401, { status: 401, message: "invalid access token" }];
        return [200, { client_id: clientId, login: bot.login, user_id: bot.id, scopes, expires_in: 14_000 }];
      }
      case "GET /mock/users": {
        const login = url.searchParams.get("login") ?? "";
        const id = users[login];
        const found = { id, login, display_name: login, type: "", broadcaster_type: "", description: "" };
        return helix(request, undefined) ?? [200, { data: id === undefined ? [] : [found] }];
      }
      case "POST /eventsub/subscriptions":
        return subscribe(request, JSON.parse(text));
      case "POST /mock/chat/messages":
        return send(request, response, JSON.parse(text), url.searchParams);
      default:
        return [404, { status: 404, message: "not found" }];
    }
  };

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    void answer(request, response).then(([status, body]) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex): void => {
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    connections += 1;
    // A session that moves keeps its id and what it is subscribed to.
    const moved = new URL(request.url ?? "/", "http://localhost").searchParams.get("moved") ?? "";
    const session = { id: randomUUID(), socket, subscription: sessions.get(moved)?.subscription };
    sessions.set(session.id, session);
    socket.on("error", () => {}).on("close", () => sessions.delete(session.id));
    // The client says nothing but its close frame.
    socket.on("data", () => socket.end(Buffer.from([0x88, 0x02, 0x03, 0xe8])));
    const about = {
      id: session.id,
      status: "connected",
      keepalive_timeout_seconds: keepaliveSeconds,
      reconnect_url: null,
    };
    sendTo(session, "session_welcome", { session: about });
  };

  const write = (session: Session, text: string): void => {
    if (!silent && !session.socket.destroyed) session.socket.write(textFrame(text));
  };
  const sendTo = (session: Session, type: string, payload: Body, id: string = randomUUID()): void =>
    write(
      session,
      JSON.stringify({
        metadata: { message_id: id, message_type: type, message_timestamp: new Date().toISOString() },
        payload,
      }),
    );
  const sendAll = (type: string, payload: (session: Session) => Body, id?: string): void => {
    for (const session of sessions.values()) sendTo(session, type, payload(session), id);
  };

  const [ipv4, ipv6] = [createServer(onRequest), createServer(onRequest)];
  const port = await listen(ipv4, "127.0.0.1", 0);
  await listen(ipv6, "::1", port);
  for (const server of [ipv4, ipv6]) server.on("upgrade", onUpgrade);
  const keepalive = setInterval(() => sendAll("session_keepalive", () => ({})), keepaliveSeconds * 500);

  return {
    port,
    authUrl: `http://127.0.0.1:${port}/auth`,
    eventSubUrl: `ws://127.0.0.1:${port}/ws`,
    clientId,
    async issueLogin() {
      const scopes = ["user:read:chat", "user:write:chat", "chat:read", "chat:edit"];
      const { access_token: accessToken, refresh_token: refreshToken } = grant(scopes);
      return { clientId, userId: bot.id, userName: bot.login, scopes, accessToken, refreshToken };
    },
    enterCode() {
      if (device !== undefined) device.entered = true;
    },
    expireAccess: () => access.clear(),
    endLogins() {
      access.clear();
      refresh.clear();
    },
    watchAccess(wanted) {
      check = wanted;
    },
    refreshed,
    polls,
    said,
    get validations() {
      return validations;
    },
    limitSaying(times) {
      limited = times;
      limitedUntilMs = Date.now() + 1000;
    },
    get readers() {
      return [...sessions.values()].filter(({ subscription }) => subscription !== undefined).length;
    },
    get connections() {
      return connections;
    },
    chat({ text, user = "viewer", badges = [], id = randomUUID(), source }) {
      const event = {
        broadcaster_user_id: users["robolab"],
        broadcaster_user_login: "robolab",
        broadcaster_user_name: "RoboLab",
        chatter_user_id: users[user] ?? `user-${user}`,
        chatter_user_login: user,
        chatter_user_name: user,
        message_id: id,
        message: { text, fragments: [{ type: "text", text, cheermote: null, emote: null, mention: null }] },
        message_type: "text",
        badges: badges.map((badge) => ({ set_id: badge, id: "1", info: "" })),
        cheer: null,
        color: "",
        reply: null,
        channel_points_custom_reward_id: null,
        source_broadcaster_user_id: source === undefined ? null : users[source],
        source_broadcaster_user_login: source ?? null,
        source_message_id: null,
        source_badges:
          source === undefined ? null : badges.map((badge) => ({ set_id: badge, id: "1", info: "" })),
        is_source_only: null,
      };
      for (const session of sessions.values()) {
        if (session.subscription === undefined) continue;
        const subscription = {
          id: session.subscription,
          type: "channel.chat.message",
          version: "1",
          status: "enabled",
        };
        sendTo(session, "notification", { subscription, event });
      }
      return id;
    },
    sendRaw(text) {
      for (const session of sessions.values()) write(session, text);
    },
    fallSilent() {
      silent = true;
      setTimeout(() => {
        silent = false;
      }, keepaliveSeconds * 1500).unref();
    },
    moveSessions: () =>
      sendAll("session_reconnect", ({ id }) => ({
        session: { id, status: "reconnecting", reconnect_url: `ws://127.0.0.1:${port}/ws?moved=${id}` },
      })),
    revoke(status) {
      sendAll("revocation", ({ subscription }) => ({
        subscription: { id: subscription, status, type: "channel.chat.message" },
      }));
      for (const session of sessions.values()) session.subscription = undefined;
    },
    cut() {
      for (const { socket } of sessions.values()) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      clearInterval(keepalive);
      for (const { socket } of sessions.values()) socket.destroy();
      for (const server of [ipv4, ipv6]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** One unmasked text frame, as servers send them (RFC 6455, 5.2). */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  const head = length < 126 ? [0x81, length] : [0x81, 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), payload]);
}

import { tierOfBadges, type ChatMessage } from "./message.ts";

/** What EventSub says over its websocket (dev.twitch.tv, "EventSub websocket reference"), as far as chat needs it. */
export type Frame =
  | { readonly type: "welcome"; readonly sessionId: string; readonly keepaliveMs: number }
  | { readonly type: "message"; readonly message: ChatMessage }
  | { readonly type: "reconnect"; readonly url: string }
  | { readonly type: "revocation"; readonly status: string }
  /** A keepalive, or something of no interest: shows only that the connection lives. */
  | { readonly type: "alive" };

type Fields = Readonly<Record<string, unknown>>;

const defaultKeepaliveSeconds = 10;
const mostCharacters = 65_536;

/** Reads one frame; undefined for what is none. Total: no text makes it throw. */
export function parseFrame(text: string, broadcasterId: string): Frame | undefined {
  if (text.length > mostCharacters) return undefined;
  const frame = parseJson(text);
  const payload = fields(frame["payload"]);
  switch (fields(frame["metadata"])["message_type"]) {
    case "session_welcome": {
      const { id, keepalive_timeout_seconds: keepalive } = fields(payload["session"]);
      if (typeof id !== "string") return undefined;
      const seconds = typeof keepalive === "number" && keepalive > 0 ? keepalive : defaultKeepaliveSeconds;
      return { type: "welcome", sessionId: id, keepaliveMs: Math.min(seconds, 600) * 1000 };
    }
    case "session_reconnect": {
      const { reconnect_url: url } = fields(payload["session"]);
      return typeof url === "string" ? { type: "reconnect", url } : undefined;
    }
    case "revocation": {
      const { status } = fields(payload["subscription"]);
      return { type: "revocation", status: typeof status === "string" ? status : "unknown" };
    }
    case "notification": {
      if (fields(payload["subscription"])["type"] !== "channel.chat.message") return { type: "alive" };
      const message = readMessage(fields(payload["event"]), broadcasterId);
      return message === undefined ? undefined : { type: "message", message };
    }
    case undefined:
      return undefined;
    default:
      return { type: "alive" };
  }
}

function readMessage(event: Fields, broadcasterId: string): ChatMessage | undefined {
  const { message_id: id, chatter_user_id: userId, chatter_user_login: userName, badges } = event;
  const { text } = fields(event["message"]);
  if (typeof id !== "string" || typeof userId !== "string" || typeof userName !== "string") return undefined;
  if (typeof text !== "string") return undefined;
  const source = event["source_broadcaster_user_id"] ?? broadcasterId;
  return {
    id,
    userId,
    userName: userName.toLowerCase(),
    tier: tierOfBadges(Array.isArray(badges) ? badges.map((badge) => String(fields(badge)["set_id"])) : []),
    text,
    ours: event["broadcaster_user_id"] === broadcasterId && source === broadcasterId,
  };
}

function parseJson(text: string): Fields {
  try {
    return fields(JSON.parse(text));
  } catch {
    return {};
  }
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

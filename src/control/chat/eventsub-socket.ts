import { Fault } from "../../domain/fault.ts";
import { watchForStall } from "../../lib/stall.ts";
import { parseFrame } from "./eventsub-frame.ts";
import type { ChatMessage } from "./message.ts";

/** Why a connection is no use any more. */
export type End =
  | { readonly kind: "lost"; readonly reason: string }
  /** Twitch asks to go on at another address; this connection still delivers until the new one is welcomed. */
  | { readonly kind: "moved"; readonly url: string }
  | { readonly kind: "revoked"; readonly status: string };

export interface EventSubSocket extends Disposable {
  readonly sessionId: string;
  /** Never rejects. */
  readonly ended: Promise<End>;
}

export interface EventSubSocketOptions {
  readonly url: string;
  readonly broadcasterId: string;
  readonly onMessage: (message: ChatMessage) => void;
}

const welcomeMs = 10_000;
/** Twitch promises a frame in every keepalive time; a little more is granted for the way. */
const keepaliveGrace = 1.2;

/**
 * Connects to EventSub and waits for its welcome; rejects with `surface-unreachable`. Node's own websocket is used:
 * the library's listener keeps a timer for ten minutes for every line of chat, and ends the process on a frame that
 * is not JSON.
 */
export async function openEventSubSocket(
  options: EventSubSocketOptions,
  signal: AbortSignal,
): Promise<EventSubSocket> {
  const socket = new WebSocket(options.url);
  const welcome = Promise.withResolvers<string>();
  const { promise: ended, resolve } = Promise.withResolvers<End>();
  let watch = watchForStall(welcomeMs, () => end({ kind: "lost", reason: "it sent no welcome" }));

  const close = (): void => {
    watch[Symbol.dispose]();
    signal.removeEventListener("abort", close);
    socket.removeEventListener("message", read);
    // The answer to the closing handshake is not waited for.
    socket.close();
    end({ kind: "lost", reason: "it was closed" });
  };
  const end = (why: End): void => {
    resolve(why);
    if (why.kind === "moved") return;
    watch[Symbol.dispose]();
    const reason = why.kind === "lost" ? why.reason : why.status;
    welcome.reject(new Fault("surface-unreachable", `Twitch EventSub is lost: ${reason}.`));
  };

  const read = ({ data }: { readonly data: unknown }): void => {
    const frame = typeof data === "string" ? parseFrame(data, options.broadcasterId) : undefined;
    if (frame === undefined) return;
    watch.beat();
    switch (frame.type) {
      case "welcome":
        watch[Symbol.dispose]();
        watch = watchForStall(frame.keepaliveMs * keepaliveGrace, () =>
          end({ kind: "lost", reason: "it has fallen silent" }),
        );
        return welcome.resolve(frame.sessionId);
      case "message":
        return options.onMessage(frame.message);
      case "reconnect":
        return end({ kind: "moved", url: frame.url });
      case "revocation":
        return end({ kind: "revoked", status: frame.status });
      case "alive":
        return;
    }
  };
  socket.addEventListener("message", read);
  socket.addEventListener("error", () => end({ kind: "lost", reason: "it cannot be reached" }));
  socket.addEventListener("close", ({ code }) =>
    end({ kind: "lost", reason: `it closed the connection (${code})` }),
  );
  if (signal.aborted) close();
  else signal.addEventListener("abort", close, { once: true });

  try {
    return { sessionId: await welcome.promise, ended, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

import { Fault, toFault } from "../../domain/fault.ts";
import type { Log } from "../../lib/log.ts";
import { openEventSubSocket, type EventSubSocket } from "./eventsub-socket.ts";
import { statusOf, type Login } from "./login.ts";
import { quietLogger } from "./quiet-logger.ts";
import type { ChatTransport } from "./message.ts";
import { within } from "./within.ts";

export interface EventSubOptions {
  readonly channel: string;
  readonly url?: string | undefined;
  readonly log: Log;
}

const twitchUrl = "wss://eventsub.wss.twitch.tv/ws";
const callMs = 20_000;

/** Chat over EventSub (`channel.chat.message`) for reading and Helix (Send Chat Message) for writing. */
export async function createEventSubTransport(
  login: Login,
  options: EventSubOptions,
  parent: AbortSignal,
): Promise<ChatTransport> {
  const { url = twitchUrl, channel, log } = options;
  const { ApiClient } = await import("@twurple/api");
  const api = new ApiClient({ authProvider: login.provider, logger: quietLogger(log) });
  const call = async <Value>(
    what: string,
    calling: Promise<Value>,
    refusals: readonly number[],
    signal: AbortSignal,
  ): Promise<Value> => await within(calling.catch(asFault(what, refusals)), callMs, what, signal);

  const broadcaster = await call(
    "Looking up the channel",
    api.users.getUserByName(channel),
    [401, 403],
    parent,
  );
  if (broadcaster === null)
    throw new Fault("surface-refused", `Twitch knows no channel ${channel}: correct the channel's name.`);
  const broadcasterId = broadcaster.id;

  return {
    async run(hooks, signal) {
      const socketOptions = { broadcasterId, onMessage: hooks.onMessage };
      let socket = await openEventSubSocket({ ...socketOptions, url }, signal);
      try {
        await call("Subscribing to chat", subscribe(socket.sessionId), [401, 403], signal);
        hooks.onReady();
        for (;;) {
          const end = await socket.ended;
          if (signal.aborted) return;
          if (end.kind === "lost")
            throw new Fault("surface-unreachable", `Twitch EventSub is lost: ${end.reason}.`);
          if (end.kind === "revoked") throw revoked(end.status);
          const next: EventSubSocket = await openEventSubSocket(
            { ...socketOptions, url: sameServer(end.url, url) },
            signal,
          );
          socket[Symbol.dispose]();
          socket = next;
        }
      } finally {
        socket[Symbol.dispose]();
      }
    },
    async say(text, replyTo, signal) {
      const sending = api.asUser(login.userId, async ({ chat }) => {
        await chat.sendChatMessage(broadcasterId, text, {
          ...(replyTo !== undefined && { replyParentMessageId: replyTo }),
        });
      });
      // A line that Twitch does not want (403) says nothing against the next.
      await call("Writing to chat", sending, [401], signal);
    },
  };

  async function subscribe(sessionId: string): Promise<void> {
    await api.asUser(login.userId, async ({ eventSub }) => {
      await eventSub.subscribeToChannelChatMessageEvents(broadcasterId, {
        method: "websocket",
        session_id: sessionId,
      });
    });
  }
}

/** The address to go on at must be at the same place, and encrypted if the first one was. */
function sameServer(next: string, first: string): string {
  const [to, from] = [URL.parse(next), new URL(first)];
  const isThere = to?.hostname === from.hostname || to?.hostname.endsWith(".twitch.tv") === true;
  if (isThere && to?.protocol === from.protocol) return next;
  throw new Fault(
    "surface-unreachable",
    "Twitch EventSub asked to go on at an address that is not Twitch's.",
  );
}

function revoked(status: string): Fault {
  const what = /^[\w-]{1,64}$/.test(status) ? status : "unknown";
  return new Fault(
    "surface-refused",
    `Twitch has taken back the right to read chat (${what}). Run \`spotlive twitch login\` again.`,
  );
}

/** The library's messages hold whole answers; the number says what is needed. `refusals` are those that last. */
function asFault(what: string, refusals: readonly number[]): (error: unknown) => never {
  return (error) => {
    if (error instanceof Fault) throw error;
    const status = statusOf(error);
    if (status !== undefined && refusals.includes(status))
      throw new Fault(
        "surface-refused",
        `${what}: Twitch refused (${status}). The account may be banned there, or lack a right: run \`spotlive twitch login\` again.`,
      );
    const reason =
      status === undefined ? toFault(error).message.split("\n", 1)[0] : `Twitch answered ${status}`;
    throw new Fault("surface-unreachable", `${what} failed: ${reason}.`, { cause: error });
  };
}

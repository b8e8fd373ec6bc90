import { Fault } from "../../domain/fault.ts";
import type { Log } from "../../lib/log.ts";
import { watchForStall } from "../../lib/stall.ts";
import type { Login } from "./login.ts";
import { tierOfBadges, type ChatTransport } from "./message.ts";
import { quietLogger } from "./quiet-logger.ts";
import { within } from "./within.ts";

export interface IrcOptions {
  readonly channel: string;
  /** A host without TLS, at port 6667. */
  readonly host?: string | undefined;
  readonly log: Log;
}

const joinMs = 30_000;
const sayMs = 20_000;

/** Chat over Twitch's IRC, the second way: no answer says whether a line was really shown. */
export async function createIrcTransport(login: Login, options: IrcOptions): Promise<ChatTransport> {
  const { host, log } = options;
  const channel = options.channel.toLowerCase();
  const { ChatClient } = await import("@twurple/chat");
  const client = new ChatClient({
    authProvider: login.provider,
    channels: [channel],
    logger: quietLogger(log),
    isAlwaysMod: channel === login.userName.toLowerCase(),
    ...(host !== undefined && { hostName: host, ssl: false, webSocket: false }),
  });

  return {
    async run(hooks, signal) {
      const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
      const lose = (reason: string): void =>
        reject(new Fault("surface-unreachable", `Twitch IRC is lost: ${reason}.`));
      const end = (): void => resolve();
      using join = watchForStall(joinMs, () => lose("the channel was not joined"));
      const listeners = [
        client.onMessage((_channel, userName, text, { id, userInfo, channelId, sourceChannelId }) => {
          hooks.onMessage({
            id: id ?? "",
            userId: userInfo.userId ?? "",
            userName: userName.toLowerCase(),
            tier: tierOfBadges(userInfo.badges.keys()),
            text,
            ours: sourceChannelId === null || sourceChannelId === channelId,
          });
        }),
        client.onJoin((_channel, userName) => {
          if (userName.toLowerCase() !== login.userName.toLowerCase()) return;
          join[Symbol.dispose]();
          hooks.onReady();
        }),
        client.onJoinFailure((_channel, reason) =>
          reject(new Fault("surface-refused", `The channel ${channel} cannot be joined (${reason}).`)),
        ),
        client.onDisconnect((_manually, reason) => lose(reason?.message ?? "it closed the connection")),
        client.onAuthenticationFailure((text) => lose(text)),
        client.onTokenFetchFailure((error) => lose(error.message)),
      ];
      signal.addEventListener("abort", end, { once: true });
      try {
        if (signal.aborted) return;
        client.connect();
        await ended;
      } finally {
        signal.removeEventListener("abort", end);
        for (const listener of listeners) client.removeListener(listener);
        client.quit();
      }
    },
    async say(text, replyTo, signal) {
      const saying = client.say(channel, text, replyTo === undefined ? {} : { replyTo });
      await within(saying, sayMs, "Writing to chat", signal);
    },
  };
}

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

const joinMs = 60_000;
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
      // The library reconnects by itself and cannot be kept from it; only when that fails for long is it given up.
      const watch = (): ReturnType<typeof watchForStall> =>
        watchForStall(joinMs, () => lose("the channel was not joined in time"));
      let joining: ReturnType<typeof watch> | undefined = watch();
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
          joining?.[Symbol.dispose]();
          joining = undefined;
          hooks.onReady();
        }),
        client.onJoinFailure((_channel, reason) =>
          reject(new Fault("surface-refused", `The channel ${channel} cannot be joined (${reason}).`)),
        ),
        client.onDisconnect(() => {
          joining ??= watch();
        }),
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
        joining?.[Symbol.dispose]();
        // A reconnect that is under way goes on after quit(), so it is ended once more when it succeeds.
        client.onConnect(() => client.quit());
        client.quit();
      }
    },
    async say(text, replyTo, signal) {
      const saying = client.say(channel, text, replyTo === undefined ? {} : { replyTo });
      await within(saying, sayMs, "Writing to chat", signal);
    },
  };
}

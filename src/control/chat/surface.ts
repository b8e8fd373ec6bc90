import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { toFault, type Fault } from "../../domain/fault.ts";
import type { Secret } from "../../domain/secret.ts";
import { nowUs } from "../../lib/clock.ts";
import { retry, type RetryPolicy } from "../../lib/retry.ts";
import { childSignal } from "../../lib/signals.ts";
import type { Surface, SurfaceContext } from "../surface.ts";
import { createConversation, type Conversation } from "./conversation.ts";
import { createEventSubTransport } from "./eventsub.ts";
import { createIrcTransport } from "./irc.ts";
import { openLogin, type Login } from "./login.ts";
import { isAtLeast, type ChatTransport } from "./message.ts";
import type { ChatOptions } from "./options.ts";
import { Outbox } from "./outbox.ts";

const second = 1000;
const hour = 3600 * second;
const lookForLoginMs = 2 * second;
const lossNoticeMs = 60 * second;

/** From 1 s up to a minute, with jitter: Twitch blocks who knocks too often. */
const policy: RetryPolicy = {
  healthyAfterMs: 30 * second,
  delayMs: (_fault, failures) =>
    Math.min(60, 2 ** Math.min(failures, 6)) * second * (0.5 + Math.random() / 2),
};

/**
 * The chat of a Twitch channel: people's lines in, requests out, replies back. It goes on by itself after every loss.
 * When Twitch refuses the login it says so, and waits for a new one; nothing else is disturbed.
 */
export function createChatSurface(options: ChatOptions): Surface {
  return async (context, signal) => {
    const notify = (severity: "info" | "warning", text: string): void =>
      options.report({ type: "notice", part: "chat", severity, text });
    const outbox = new Outbox({ onLoss: createLossNotice(notify) });
    using conversation = createConversation({
      rules: options.rules,
      context,
      push: (reply) => outbox.push(reply),
    });
    const known = { ...options, onToken: onlyNew(options.onToken) };
    const hooks = {
      onReady: () => notify("info", `Twitch chat: listening in ${options.channel}.`),
      onWait: (fault: Fault, _delayMs: number, failures: number) => {
        if (failures === 1) notify("warning", `Twitch chat: ${fault.message} Trying again.`);
      },
    };
    while (!signal.aborted) {
      const refusal = await listen(known, context, conversation, outbox, hooks, signal);
      if (refusal === undefined) return;
      notify("warning", `Twitch chat waits for a person: ${refusal.message}`);
      await newLogin(options.tokenPath, signal);
    }
  };
}

interface Hooks {
  onReady(): void;
  onWait(fault: Fault, delayMs: number, failures: number): void;
}

/** Runs sessions one after the other until aborted, or until a fault that only a person can mend. */
async function listen(
  options: ChatOptions,
  context: SurfaceContext,
  conversation: Conversation,
  outbox: Outbox,
  hooks: Hooks,
  signal: AbortSignal,
): Promise<Fault | undefined> {
  let failures = 0;
  const onReady = (): void => {
    failures = 0;
    hooks.onReady();
  };
  try {
    await retry(
      async (scope) => await runSession(options, context, conversation, outbox, onReady, scope),
      policy,
      signal,
      {
        onWait(fault, delayMs) {
          failures += 1;
          hooks.onWait(fault, delayMs, failures);
        },
      },
    );
    return undefined;
  } catch (error) {
    return toFault(error);
  }
}

/** One connection, from the login to its loss. */
async function runSession(
  options: ChatOptions,
  context: SurfaceContext,
  conversation: Conversation,
  outbox: Outbox,
  onReady: () => void,
  signal: AbortSignal,
): Promise<void> {
  const login = await openLogin(options);
  using scope = childSignal(signal);
  try {
    await login.validate(scope.signal);
    const transport = await createTransport(login, options, context, scope.signal);
    const { rate } = outbox;
    rate.privileged = login.userName.toLowerCase() === options.channel.toLowerCase();
    const transportHooks = {
      onReady,
      onMessage: (message: Parameters<Conversation["hear"]>[0]) => {
        if (message.userId !== login.userId || message.userId === "") conversation.hear(message);
        // Our own line comes back with the badges that we wear.
        else if (message.ours) rate.privileged = isAtLeast(message.tier, "moderator");
      },
    };
    await together(
      [
        (running) => transport.run(transportHooks, running),
        (running) => outbox.run(transport.say, running),
        (running) => validateHourly(login, running),
      ],
      scope.signal,
    );
  } catch (error) {
    throw toFault(error, "surface-unreachable");
  } finally {
    scope.abort();
    await login.settled();
  }
}

async function createTransport(
  login: Login,
  options: ChatOptions,
  context: SurfaceContext,
  signal: AbortSignal,
): Promise<ChatTransport> {
  const { channel } = options;
  const log = context.log.child({ part: "chat" });
  switch (options.transport) {
    case "eventsub":
      return await createEventSubTransport(login, { channel, url: options.eventSubUrl, log }, signal);
    case "irc":
      return await createIrcTransport(login, { channel, host: options.ircHost, log });
  }
}

/** Runs all until the first ends; the others are then aborted and waited for. */
async function together(
  parts: readonly ((signal: AbortSignal) => Promise<void>)[],
  parent: AbortSignal,
): Promise<void> {
  using scope = childSignal(parent);
  const running = parts.map(async (part) => await part(scope.signal));
  try {
    await Promise.race(running);
  } finally {
    scope.abort();
    await Promise.allSettled(running);
  }
}

/** Twitch obliges everybody who keeps a token to ask about it every hour. No answer is no reason to hang up. */
async function validateHourly(login: Login, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(hour, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    await login.validate(signal).catch((error: unknown) => {
      const fault = toFault(error);
      if (!fault.retryable) throw fault;
    });
  }
}

/** Resolves when the file of the login has changed, and after an hour in any case: a ban may be over. */
async function newLogin(path: string, signal: AbortSignal): Promise<void> {
  const before = await versionOf(path);
  const untilUs = nowUs() + hour * 1000;
  while (!signal.aborted && nowUs() < untilUs && (await versionOf(path)) === before)
    await sleep(lookForLoginMs, undefined, { signal }).catch(() => {});
}

async function versionOf(path: string): Promise<string> {
  return await stat(path).then(
    ({ mtimeMs, ino }) => `${mtimeMs} ${ino}`,
    () => "none",
  );
}

/** Every connection opens the same login again; only a token that is new is passed on. */
function onlyNew(onToken: (token: Secret) => void = () => {}): (token: Secret) => void {
  let passedOn: readonly string[] = [];
  return (token) => {
    const value = token.reveal();
    if (passedOn.includes(value)) return;
    passedOn = [...passedOn, value].slice(-2);
    onToken(token);
  };
}

/** Tells of lost replies at most once a minute, with the count so far. */
function createLossNotice(
  notify: (severity: "warning", text: string) => void,
): (dropped: number, why: string) => void {
  let toldUs = -Infinity;
  return (dropped, why) => {
    if (nowUs() - toldUs < lossNoticeMs * 1000) return;
    toldUs = nowUs();
    notify("warning", `Twitch chat: replies not said so far: ${dropped} (${why}).`);
  };
}

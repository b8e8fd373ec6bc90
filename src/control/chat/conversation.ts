import { randomUUID } from "node:crypto";
import type { Command, Result } from "../../domain/command.ts";
import { nowUs } from "../../lib/clock.ts";
import type { SurfaceContext } from "../surface.ts";
import { Access, keyOf } from "./access.ts";
import {
  describeBitrate,
  describeFault,
  describeStatus,
  describeSuccess,
  describeTally,
  duration,
  plainLine,
} from "./answers.ts";
import { createBallot, type Ballot } from "./ballot.ts";
import { BoundedMap } from "./bounded-map.ts";
import { CoolDowns } from "./cool-downs.ts";
import { isAtLeast, type ChatMessage, type Tier } from "./message.ts";
import type { ChatRules } from "./options.ts";
import type { Importance, Reply } from "./outbox.ts";
import {
  commandNames,
  parseLine,
  type CameraCommand,
  type ChatCommand,
  type CommandName,
} from "./parse-line.ts";
import { toAction } from "./to-action.ts";

export interface ConversationOptions {
  readonly rules: ChatRules;
  readonly context: Pick<SurfaceContext, "submit" | "status">;
  readonly push: (reply: Reply) => void;
}

/** Turns lines of chat into requests, and what comes of them into replies. */
export interface Conversation extends Disposable {
  /** Never throws, never blocks, and costs next to nothing for a line that is no command. */
  hear(message: ChatMessage): void;
}

/** Who asked, and what they count as. */
interface Asker {
  readonly message: ChatMessage;
  readonly tier: Tier;
}

const rememberedLines = 4096;
const rememberedRefusals = 1000;
const refusalEveryMs = 30_000;
const requestLifeUs = 5_000_000;

export function createConversation(options: ConversationOptions): Conversation {
  const { rules, context } = options;
  const access = new Access(rules.allowedTier);
  const coolDowns = new CoolDowns(rules.coolDowns);
  const handled = new BoundedMap<string, true>(rememberedLines);
  const refusedMs = new BoundedMap<string, number>(rememberedRefusals);
  const ballot: Ballot | undefined =
    rules.vote === undefined
      ? undefined
      : createBallot(rules.vote, {
          announce: (text) => options.push({ text: plainLine(text), importance: "result" }),
          act: async (action, id) => await submit({ kind: "camera", action }, id, "vote"),
        });

  const reply = (to: ChatMessage, text: string, importance: Importance): void =>
    options.push({ text: plainLine(text), importance, ...(to.id !== "" && { replyTo: to.id }) });

  /** Somebody who asks again and again for what they cannot have hears it once in a while. */
  const refuse = (message: ChatMessage, text: string): void => {
    const nowMs = nowUs() / 1000;
    const last = refusedMs.get(keyOf(message));
    if (last !== undefined && nowMs - last < refusalEveryMs) return;
    refusedMs.set(keyOf(message), nowMs);
    reply(message, text, "refusal");
  };

  const submit = async (command: Command, id: string, by: string): Promise<Result> =>
    await context.submit({ id, command, origin: "chat", by, expiresAt: nowUs() + requestLifeUs });

  const request = async (asker: Asker, asked: ChatCommand, command: Command): Promise<void> => {
    const { message } = asker;
    const result = await submit(command, requestId(message.id), requester(message.userName));
    if (!result.ok) refuse(message, describeFault(result.fault));
    else {
      const text = describeSuccess(asked, result.status);
      if (text !== undefined) reply(message, text, "result");
    }
  };

  const may = (tier: Tier, name: CommandName): boolean => isAtLeast(tier, rules.tiers[name]);

  const moveCamera = (asker: Asker, command: CameraCommand): void => {
    const { message, tier } = asker;
    const status = context.status();
    if (status.locked) return refuse(message, "The camera is locked by an operator.");
    const alone = may(tier, command.name);
    // Votes for one direction count together, whatever step was asked for.
    const asked = !alone && command.name === "cam" ? { ...command, degrees: undefined } : command;
    const choice = toAction(asked, rules, status);
    if (typeof choice === "string") return refuse(message, choice);
    if (!alone) return ballot?.cast(keyOf(message), choice);
    if (!rested(message, command.name)) return;
    void request(asker, command, { kind: "camera", action: choice.action });
  };

  const rested = (message: ChatMessage, name: CommandName): boolean => {
    const waitMs = coolDowns.use(name, keyOf(message), nowUs() / 1000);
    if (waitMs > 0) refuse(message, `Wait ${duration(Math.ceil(waitMs / 1000))}.`);
    return waitMs === 0;
  };

  const help = (tier: Tier): string => {
    const names = commandNames
      .filter((name) => name !== "setBitrate" && (name !== "vote" || ballot !== undefined))
      .filter((name) => may(tier, name) || mayVote(tier, name));
    return names.length === 0
      ? "There is nothing for you here."
      : `You may use ${names.map((name) => rules.prefix + name).join(" ")}`;
  };

  const mayVote = (tier: Tier, name: CommandName): boolean =>
    rules.vote !== undefined && isCameraCommand(name) && isAtLeast(tier, rules.vote.tier);

  const carryOut = (asker: Asker, command: ChatCommand): void => {
    const { message, tier } = asker;
    switch (command.name) {
      case "cam":
      case "zoom":
      case "view":
      case "light":
        return moveCamera(asker, command);
      case "status":
        return reply(message, describeStatus(context.status()), "answer");
      case "bitrate":
        return reply(message, describeBitrate(context.status()), "answer");
      case "help":
        return reply(message, help(tier), "answer");
      case "vote":
        return reply(message, describeTally(ballot?.tally() ?? []), "answer");
      case "allow":
        access.allow(command.user, nowUs() / 1000 + command.seconds * 1000);
        return reply(
          message,
          `${command.user} counts as ${rules.allowedTier} for ${duration(command.seconds)}.`,
          "result",
        );
      case "deny":
        access.deny(command.user, tier);
        return reply(message, `${command.user} is not listened to any more.`, "result");
      case "clip":
        return void request(asker, command, { kind: "clip", seconds: command.seconds });
      case "setBitrate":
        return void request(asker, command, { kind: "set", change: { bitrateCap: command.bitrateCap } });
      case "start":
      case "stop":
      case "restart":
      case "lock":
      case "unlock":
        return void request(asker, command, { kind: command.name });
    }
  };

  return {
    hear(message) {
      if (!message.ours || !message.text.startsWith(rules.prefix)) return;
      const parsed = parseLine(message.text, rules.prefix);
      if (parsed === undefined) return;
      if (message.id !== "") {
        if (handled.get(message.id) === true) return;
        handled.set(message.id, true);
      }
      const tier = access.tierOf(message, nowUs() / 1000);
      if (tier === undefined) return;
      const name = parsed.kind === "command" ? parsed.command.name : parsed.name;
      if (!may(tier, name) && !mayVote(tier, name))
        return refuse(message, `${rules.prefix}${wordOf(name)} is for ${rules.tiers[name]}s and above.`);
      if (parsed.kind === "usage") return refuse(message, `Use ${parsed.usage}`);
      // A vote is limited by its window, and a move rests only once it can be made.
      if (!isCameraCommand(name) && !rested(message, name)) return;
      carryOut({ message, tier }, parsed.command);
    },
    [Symbol.dispose]() {
      ballot?.[Symbol.dispose]();
    },
  };
}

function isCameraCommand(name: CommandName): name is CameraCommand["name"] {
  return name === "cam" || name === "zoom" || name === "view" || name === "light";
}

function wordOf(name: CommandName): string {
  return name === "setBitrate" ? "bitrate N" : name;
}

function requestId(id: string): string {
  return /^[\w.:-]{1,64}$/.test(id) ? id : randomUUID();
}

function requester(userName: string): string {
  const name = userName.replaceAll(/[^A-Za-z0-9_]/g, "").slice(0, 25);
  return name === "" ? "unknown" : name;
}

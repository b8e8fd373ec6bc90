import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createConversation, type Conversation } from "../../../../src/control/chat/conversation.ts";
import { defaultRules, type ChatRules } from "../../../../src/control/chat/options.ts";
import type { Reply } from "../../../../src/control/chat/outbox.ts";
import { by, line, memoryContext, type MemoryContext } from "./context.ts";

let context: MemoryContext;
let replies: Reply[];
let conversation: Conversation;

function begin(rules: Partial<ChatRules> = {}): void {
  conversation = createConversation({
    rules: { ...defaultRules, ...rules },
    context,
    push: (reply) => void replies.push(reply),
  });
}

const said = (): readonly string[] => replies.map(({ text }) => text);
/** Lets time pass, and what was asked be answered. */
const pass = async (milliseconds: number): Promise<void> =>
  void (await vi.advanceTimersByTimeAsync(milliseconds));

beforeEach(() => {
  vi.useFakeTimers();
  context = memoryContext();
  replies = [];
  begin();
});
afterEach(() => {
  conversation[Symbol.dispose]();
  vi.useRealTimers();
});

describe("a conversation", () => {
  it("turns a moderator's line into one request that says who asked, and answers it", async () => {
    conversation.hear(line("!start", { id: "abc", tier: "moderator" }));
    await pass(0);
    expect(context.requests).toEqual([
      { id: "abc", command: { kind: "start" }, origin: "chat", by: "ada", expiresAt: expect.any(Number) },
    ]);
    expect(replies).toEqual([{ text: "The line is live.", importance: "result", replyTo: "abc" }]);
  });

  it("gives a request only a few seconds to live", () => {
    conversation.hear(line("!start", { tier: "moderator" }));
    const life = (context.requests[0]?.expiresAt ?? 0) - performance.now() * 1000;
    expect(life).toBeGreaterThan(1_000_000);
    expect(life).toBeLessThan(10_000_000);
  });

  it("refuses a viewer, once in 30 s however often they try", async () => {
    for (let at = 0; at < 29; at += 1) {
      conversation.hear(line("!start"));
      await pass(1000);
    }
    expect(said()).toEqual(["!start is for moderators and above."]);
    await pass(1000);
    conversation.hear(line("!stop"));
    expect(said()).toHaveLength(2);
    expect(context.requests).toEqual([]);
  });

  it("acts once on a line that comes twice", () => {
    const twice = line("!stop", { tier: "moderator" });
    conversation.hear(twice);
    conversation.hear(twice);
    expect(context.requests).toHaveLength(1);
  });

  it("does not hear another channel's moderators in a shared chat", () => {
    conversation.hear(line("!stop", { tier: "moderator", ours: false }));
    expect(context.requests).toEqual([]);
    expect(replies).toEqual([]);
  });

  it("keeps hostile names and ids out of requests", () => {
    conversation.hear(line("!stop", { tier: "moderator", userName: "a\n$(reboot)/#", id: "x".repeat(99) }));
    expect(context.requests[0]?.by).toBe("areboot");
    expect(context.requests[0]?.id).toMatch(/^[\w-]{36}$/);
  });

  it("moves the camera by small steps, at most as far as the rules let it", () => {
    conversation.hear(by("vi", "vip", "!cam left"));
    conversation.hear(by("max", "vip", "!zoom in"));
    expect(context.requests.map(({ command }) => command)).toEqual([
      { kind: "camera", action: { kind: "look", pan: -10, tilt: 0, zoom: 1 } },
      { kind: "camera", action: { kind: "look", pan: 0, tilt: 0, zoom: 1.5 } },
    ]);
    conversation.hear(by("eve", "moderator", "!cam down 170"));
    expect(context.requests).toHaveLength(2);
  });

  it.each([
    ["!cam down 170", { kind: "look", pan: 0, tilt: -45, zoom: 1 }],
    ["!zoom 8", { kind: "goto", position: { zoom: 8 } }],
    ["!view dock", { kind: "preset", name: "Dock" }],
    ["!view MECH_FULL", { kind: "screen", name: "mech_full" }],
    ["!light 25", { kind: "lights", brightness: 0.25 }],
  ])("asks the camera for %s", (text, action) => {
    conversation.hear(by("vi", "vip", text));
    expect(context.requests.map(({ command }) => command)).toEqual([{ kind: "camera", action }]);
  });

  it("names the views there are instead of repeating one that there is not", () => {
    conversation.hear(by("vi", "vip", "!view moon"));
    expect(said()).toEqual(["There is no such view; there are Dock, door, mech_full."]);
  });

  it("lets a person's camera moves rest, and says so once", async () => {
    conversation.hear(by("vi", "vip", "!cam left"));
    await pass(1000);
    for (let times = 0; times < 5; times += 1) conversation.hear(by("vi", "vip", "!cam left"));
    expect(context.requests).toHaveLength(1);
    expect(said()).toEqual(["Wait 2 s."]);
    await pass(2000);
    conversation.hear(by("vi", "vip", "!cam left"));
    expect(context.requests).toHaveLength(2);
  });

  it("raises somebody by name for a time", async () => {
    conversation.hear(by("mo", "moderator", "!allow Ada 10m"));
    expect(said()).toEqual(["ada counts as vip for 10 min."]);
    conversation.hear(line("!cam up"));
    expect(context.requests).toHaveLength(1);
    conversation.hear(line("!start"));
    await pass(600_000);
    conversation.hear(line("!cam up"));
    expect(context.requests).toHaveLength(1);
  });

  it("does not even answer somebody who was denied", () => {
    conversation.hear(by("mo", "moderator", "!deny ada"));
    conversation.hear(by("ada", "vip", "!cam up"));
    conversation.hear(by("ada", "vip", "!status"));
    expect(context.requests).toEqual([]);
    expect(said()).toEqual(["ada is not listened to any more."]);
  });

  it("refuses the camera politely while it is locked, and takes the lock itself at any time", async () => {
    conversation.hear(by("mo", "moderator", "!lock"));
    await pass(0);
    conversation.hear(by("vi", "vip", "!cam left"));
    conversation.hear(by("mo", "moderator", "!unlock"));
    await pass(0);
    conversation.hear(by("vi", "vip", "!cam left"));
    expect(context.requests.map(({ command }) => command.kind)).toEqual(["lock", "unlock", "camera"]);
    expect(said()[1]).toBe("The camera is locked by an operator.");
  });

  it("says in chat what was wrong with a request, but no hosts", async () => {
    context.refuse({ code: "robot-unreachable", message: "192.168.80.3 does not answer.", retryable: true });
    conversation.hear(by("mo", "moderator", "!start"));
    await pass(0);
    context.refuse({ code: "not-supported", message: "Clips are not kept here.", retryable: false });
    conversation.hear(by("mia", "moderator", "!clip"));
    await pass(0);
    expect(said()).toEqual(["It failed (robot-unreachable).", "Clips are not kept here."]);
  });

  it("tells anybody how the line is, without hosts, once in a while", async () => {
    conversation.hear(line("!status"));
    conversation.hear(by("bob", "everyone", "!status"));
    expect(said()[0]).toBe(
      "The line is live for 65 s, 1280x720 at 30 fps, 4.2 Mbit/s. Outputs: main running.",
    );
    expect(said()[1]).toBe("Wait 10 s.");
  });

  it("reads the bitrate to anybody and lets a moderator cap it", async () => {
    conversation.hear(line("!bitrate"));
    conversation.hear(line("!bitrate 3000"));
    conversation.hear(by("mo", "moderator", "!bitrate 3000"));
    await pass(0);
    expect(context.requests.map(({ command }) => command)).toEqual([
      { kind: "set", change: { bitrateCap: 3_000_000 } },
    ]);
    expect(said()).toEqual([
      "The camera sends 4.2 Mbit/s; no cap.",
      "!bitrate N is for moderators and above.",
      "The bitrate's cap is 3.0 Mbit/s.",
    ]);
  });

  it("offers only what one may use", () => {
    conversation.hear(line("!help"));
    expect(said()).toEqual(["You may use !status !bitrate !help"]);
  });
});

describe("a conversation with votes", () => {
  const vote = { windowSeconds: 10, minimumVotes: 3, tier: "everyone" } as const;

  it("moves the camera once, by what most people want, and says so", async () => {
    begin({ vote });
    for (const name of ["a", "b", "c", "d", "e"])
      conversation.hear(
        by(name, "everyone", name < "d" ? `!cam left ${name === "a" ? 30 : ""}` : "!cam right"),
      );
    conversation.hear(by("a", "everyone", "!cam left"));
    expect(context.requests).toEqual([]);
    await pass(10_000);
    expect(context.requests).toMatchObject([
      { command: { kind: "camera", action: { kind: "look", pan: -10 } }, origin: "chat", by: "vote" },
    ]);
    expect(said()).toEqual([
      "A vote on the camera is open for 10 s, first for cam left 10.",
      "The vote is for cam left 10: 3 of 5.",
    ]);
  });

  it("moves nothing on a tie, nor with too few votes", async () => {
    begin({ vote: { ...vote, minimumVotes: 2 } });
    conversation.hear(by("a", "everyone", "!cam left"));
    conversation.hear(by("b", "everyone", "!cam right"));
    await pass(10_000);
    conversation.hear(by("a", "everyone", "!cam left"));
    await pass(10_000);
    expect(context.requests).toEqual([]);
    expect(said()[1]).toBe("The vote is a tie (cam left 10, cam right 10): nothing moves.");
    expect(said()[3]).toBe("The vote moves nothing: 1 voted, 2 are needed.");
  });

  it("lets those who may move the camera do so at once", () => {
    begin({ vote });
    conversation.hear(by("vi", "vip", "!cam left"));
    expect(context.requests).toHaveLength(1);
  });

  it("tells how the vote stands", () => {
    begin({ vote });
    conversation.hear(by("a", "everyone", "!zoom in"));
    conversation.hear(by("b", "everyone", "!vote"));
    expect(said()[1]).toBe("So far: zoom in 1.");
  });

  it("takes no vote while the camera is locked", async () => {
    begin({ vote });
    context.set({ locked: true });
    conversation.hear(by("a", "everyone", "!zoom in"));
    await pass(10_000);
    expect(said()).toEqual(["The camera is locked by an operator."]);
  });
});

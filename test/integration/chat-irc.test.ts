import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defaultRules } from "../../src/control/chat/options.ts";
import { createChatSurface } from "../../src/control/chat/surface.ts";
import { recordEvents } from "../helpers/collect.ts";
import { startFakeTwitch, type FakeTwitch } from "../helpers/fake-twitch.ts";
import { startTwitchIrc, type TwitchIrc } from "../helpers/ngircd.ts";
import { memoryContext, type MemoryContext } from "../unit/control/chat/context.ts";

let twitch: FakeTwitch;
let irc: TwitchIrc;
let directory: string;
let context: MemoryContext;
let events: ReturnType<typeof recordEvents>;
let stop: AbortController;
let running: Promise<void>;

const soon = async (assertion: () => unknown): Promise<void> =>
  void (await vi.waitFor(assertion, { timeout: 20_000, interval: 10 }));
const listening = async (): Promise<void> =>
  await soon(() => expect(events.notices()).toEqual(["Twitch chat: listening in RoboLab."]));
const kinds = (): readonly string[] => context.requests.map(({ command }) => command.kind);

beforeEach(async () => {
  twitch = await startFakeTwitch();
  vi.stubEnv("TWURPLE_MOCK_API_PORT", String(twitch.port));
  directory = await mkdtemp(join(tmpdir(), "spotlive-chat-irc-"));
  const tokenPath = join(directory, "twitch-login.json");
  const login = await twitch.issueLogin();
  await writeFile(tokenPath, JSON.stringify(login), { mode: 0o600 });
  irc = await startTwitchIrc({ channel: "robolab", takes: (token) => token === login["accessToken"] });
  context = memoryContext();
  events = recordEvents();
  stop = new AbortController();
  const surface = createChatSurface({
    transport: "irc",
    clientId: twitch.clientId,
    channel: "RoboLab",
    tokenPath,
    rules: defaultRules,
    report: events.report,
    ircHost: irc.host,
  });
  running = surface(context, stop.signal);
  await listening();
});

afterEach(async () => {
  stop.abort();
  await running;
  await irc[Symbol.asyncDispose]();
  await twitch[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

describe("the chat surface over IRC", () => {
  it("refuses a viewer's start and carries out a moderator's, answering both in their threads", async () => {
    const viewer = await irc.join("viewer");
    const moderator = await irc.join("mo", { badges: "moderator/1,vip/1", userId: "7" });
    viewer("!start");
    await soon(() => expect(irc.said).toEqual(["!start is for moderators and above."]));
    moderator("!start");
    await soon(() => expect(irc.said.at(-1)).toBe("The line is live."));
    expect(context.requests).toMatchObject([{ command: { kind: "start" }, origin: "chat", by: "mo" }]);
    expect(irc.repliedTo).toHaveLength(2);
    expect(irc.repliedTo[1]).toBe(context.requests[0]?.id);
  });

  it("does not hear another channel's moderators in a shared chat", async () => {
    const guest = await irc.join("guest", { badges: "moderator/1", sourceRoomId: "200" });
    const own = await irc.join("own", { badges: "moderator/1", sourceRoomId: "100" });
    guest("!stop");
    own("!lock");
    await soon(() => expect(kinds()).toContain("lock"));
    own("!unlock");
    await soon(() => expect(kinds()).toEqual(["lock", "unlock"]));
  });

  it("comes back by itself after a cut", async () => {
    const moderator = await irc.join("mo", { badges: "moderator/1" });
    irc.cut();
    await soon(() => expect(events.notices()).toHaveLength(2));
    moderator("!stop");
    await soon(() => expect(kinds()).toEqual(["stop"]));
    expect(irc.logins).toBe(2);
  });

  it("stops within two seconds", async () => {
    const began = performance.now();
    stop.abort();
    await running;
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

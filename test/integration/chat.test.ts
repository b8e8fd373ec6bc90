import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { logInToTwitch } from "../../src/control/chat/device-login.ts";
import { defaultRules, type ChatOptions } from "../../src/control/chat/options.ts";
import { createChatSurface } from "../../src/control/chat/surface.ts";
import { startFakeTwitch, type FakeTwitch } from "../helpers/fake-twitch.ts";
import { recordEvents } from "../helpers/collect.ts";
import { memoryContext, type MemoryContext } from "../unit/control/chat/context.ts";

let twitch: FakeTwitch;
let directory: string;
let tokenPath: string;
let context: MemoryContext;
let events: ReturnType<typeof recordEvents>;
let stop: AbortController;
let running: Promise<void> | undefined;
let tokens: string[];

const mockPort = "TWURPLE_MOCK_API_PORT";
/** Waits for something that is going to be true, without a tight limit: the machine may be busy. */
const soon = async (assertion: () => unknown): Promise<void> =>
  void (await vi.waitFor(assertion, { timeout: 20_000, interval: 10 }));

function begin(change: Partial<ChatOptions> = {}): void {
  const surface = createChatSurface({
    transport: "eventsub",
    clientId: twitch.clientId,
    channel: "robolab",
    tokenPath,
    rules: defaultRules,
    report: events.report,
    onToken: (token) => void tokens.push(token.reveal()),
    eventSubUrl: twitch.eventSubUrl,
    ...change,
  });
  running = surface(context, stop.signal);
}

const saveLogin = async (login: unknown): Promise<void> =>
  await writeFile(tokenPath, JSON.stringify(login), { mode: 0o600 });
const saved = async (): Promise<Record<string, string>> => JSON.parse(await readFile(tokenPath, "utf8"));
const listening = async (): Promise<void> =>
  await soon(() => {
    expect(twitch.readers).toBe(1);
    expect(events.notices().at(-1)).toBe("Twitch chat: listening in robolab.");
  });
const kinds = (): readonly string[] => context.requests.map(({ command }) => command.kind);
const said = (): readonly string[] => twitch.said.map(({ text }) => text);

beforeEach(async () => {
  twitch = await startFakeTwitch();
  vi.stubEnv(mockPort, String(twitch.port));
  directory = await mkdtemp(join(tmpdir(), "spotlive-chat-"));
  tokenPath = join(directory, "twitch-login.json");
  context = memoryContext();
  events = recordEvents();
  tokens = [];
  stop = new AbortController();
  running = undefined;
});

afterEach(async () => {
  stop.abort();
  await running;
  await twitch[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

describe("logging in to Twitch by device code", () => {
  it("shows where to enter which code, waits for it, and saves the login for its owner alone", async () => {
    const printed: string[] = [];
    const { clientId, authUrl } = twitch;
    const login = logInToTwitch(
      { clientId, authUrl, tokenPath, print: (line) => void printed.push(line) },
      stop.signal,
    );
    await soon(() => expect(twitch.polls).toContain("authorization_pending"));
    expect(printed[0]).toBe(
      "Open https://www.twitch.tv/activate?device-code=ABCDEFGH in a browser and enter the code ABCDEFGH",
    );
    twitch.enterCode();
    expect(await login).toBe("spotbot");
    expect((await stat(tokenPath)).mode & 0o777).toBe(0o600);
    expect(await saved()).toMatchObject({ clientId, userId: "900", userName: "spotbot" });
  });

  it("says so when Twitch does not know the application, and ends when it is stopped", async () => {
    const { authUrl, clientId } = twitch;
    const print = (): void => {};
    await expect(
      logInToTwitch({ clientId: "wrong", authUrl, tokenPath, print }, stop.signal),
    ).rejects.toMatchObject({
      code: "surface-refused",
      message: "Twitch gave no code (400): check the client id wrong.",
    });
    const waiting = logInToTwitch({ clientId, authUrl, tokenPath, print }, stop.signal);
    stop.abort();
    expect(await waiting).toBeUndefined();
  });
});

describe("the chat surface over EventSub", () => {
  beforeEach(async () => await saveLogin(await twitch.issueLogin()));

  it("refuses a viewer's start and carries out a moderator's, answering both in their threads", async () => {
    begin();
    await listening();
    const refused = twitch.chat({ text: "!start" });
    const accepted = twitch.chat({ text: "!start", user: "mo", badges: ["moderator"] });
    await soon(() => expect(twitch.said).toHaveLength(2));
    expect(context.requests).toMatchObject([
      { id: accepted, command: { kind: "start" }, origin: "chat", by: "mo" },
    ]);
    expect(twitch.said).toEqual([
      { text: "!start is for moderators and above.", replyTo: refused },
      { text: "The line is live.", replyTo: accepted },
    ]);
  });

  it("lets somebody who was allowed move the camera, by name", async () => {
    begin();
    await listening();
    twitch.chat({ text: "!allow @Ada 10m", user: "mo", badges: ["moderator"] });
    twitch.chat({ text: "!cam left", user: "ada" });
    await soon(() => expect(kinds()).toEqual(["camera"]));
  });

  it("carries out what most people voted for, and announces it", async () => {
    begin({ rules: { ...defaultRules, vote: { windowSeconds: 1, minimumVotes: 3, tier: "everyone" } } });
    await listening();
    for (const user of ["a", "b", "c", "a"])
      twitch.chat({ text: user === "c" ? "!zoom in" : "!cam up", user });
    await soon(() => expect(said().at(-1)).toBe("The vote is for cam up 10: 2 of 3."));
    expect(context.requests).toMatchObject([{ command: { action: { kind: "look", tilt: 10 } }, by: "vote" }]);
  });

  it("acts once on a line that Twitch sends again, and never on another channel's or its own", async () => {
    begin();
    await listening();
    const badges = ["moderator"];
    twitch.chat({ text: "!start", badges, user: "spotbot" });
    twitch.chat({ text: "!stop", badges, source: "otherlab" });
    twitch.chat({ text: "!lock", badges, id: "same" });
    twitch.chat({ text: "!lock", badges, id: "same" });
    twitch.chat({ text: "!unlock", badges });
    await soon(() => expect(kinds()).toContain("unlock"));
    expect(kinds()).toEqual(["lock", "unlock"]);
  });

  it("moves to another address when Twitch asks, without missing a line or subscribing again", async () => {
    begin();
    await listening();
    twitch.moveSessions();
    twitch.chat({ text: "!stop", badges: ["moderator"], id: "between" });
    await soon(() => expect(twitch.connections).toBe(2));
    await soon(() => expect(twitch.readers).toBe(1));
    twitch.chat({ text: "!lock", badges: ["moderator"] });
    await soon(() => expect(kinds()).toEqual(["stop", "lock"]));
    expect(events.notices()).toHaveLength(1);
  });

  it("comes back by itself after a cut", async () => {
    begin();
    await listening();
    twitch.cut();
    await soon(() => expect(events.notices()).toHaveLength(3));
    expect(events.notices()[1]).toMatch(/^Twitch chat: Twitch EventSub is lost: .* Trying again\.$/);
    twitch.chat({ text: "!stop", badges: ["moderator"] });
    await soon(() => expect(kinds()).toEqual(["stop"]));
  });

  it("connects anew when the keepalives stop", async () => {
    begin();
    await listening();
    twitch.fallSilent();
    await soon(() => expect(events.notices()).toHaveLength(3));
    expect(events.notices()[1]).toContain("it has fallen silent");
    expect(twitch.connections).toBe(2);
  });

  it("survives frames that make no sense", async () => {
    begin();
    await listening();
    for (const text of ["", "{", "null", "[]", '{"metadata":{"message_type":"notification"}}', "\u0000"])
      twitch.sendRaw(text);
    twitch.chat({ text: "!stop", badges: ["moderator"] });
    await soon(() => expect(kinds()).toEqual(["stop"]));
  });

  it("says that Twitch took the right to read chat back, and goes on after a new login", async () => {
    begin();
    await listening();
    twitch.revoke("authorization_revoked");
    await soon(() =>
      expect(events.notices().at(-1)).toBe(
        "Twitch chat waits for a person: Twitch has taken back the right to read chat (authorization_revoked). Run `spotlive twitch login` again.",
      ),
    );
    await saveLogin(await twitch.issueLogin());
    await listening();
  });

  it("saves a renewed token before it is used, and masks it", async () => {
    const before = await saved();
    begin();
    await listening();
    twitch.expireAccess();
    const wasSaved: boolean[] = [];
    twitch.watchAccess((token) => void wasSaved.push(readFileSync(tokenPath, "utf8").includes(token)));
    twitch.chat({ text: "!status" });
    await soon(() => expect(said()).toHaveLength(1));
    expect(wasSaved).toEqual([true]);
    const after = await saved();
    expect(twitch.refreshed).toEqual([before["refreshToken"]]);
    expect(after["refreshToken"]).not.toBe(before["refreshToken"]);
    expect((await stat(tokenPath)).mode & 0o777).toBe(0o600);
    expect(tokens).toEqual([
      before["accessToken"],
      before["refreshToken"],
      after["accessToken"],
      after["refreshToken"],
    ]);
    for (const token of tokens) expect(context.logged.join("")).not.toContain(token);
  });

  it("asks about the token at the start, and renews one that has run out", async () => {
    twitch.expireAccess();
    begin();
    await listening();
    expect(twitch.validations).toBeGreaterThan(0);
    expect(twitch.refreshed).toHaveLength(1);
  });

  it("says how to log in when the saved login is dead, and goes on by itself once somebody has", async () => {
    twitch.endLogins();
    begin();
    await soon(() =>
      expect(events.notices()).toEqual([
        "Twitch chat waits for a person: Twitch does not take the saved login any more (400). Run `spotlive twitch login` and enter the code that it shows.",
      ]),
    );
    await saveLogin(await twitch.issueLogin());
    await listening();
  });

  it("waits out Twitch's rate limit instead of losing the line", async () => {
    begin();
    await listening();
    twitch.limitSaying(1);
    twitch.chat({ text: "!status" });
    await soon(() => expect(said()).toHaveLength(1));
  });

  it("writes no chat text and no token into a log", async () => {
    begin();
    await listening();
    twitch.chat({ text: "!view secret\u001b[31mred", badges: ["moderator"] });
    twitch.chat({ text: "!stop", badges: ["moderator"] });
    await soon(() => expect(kinds()).toEqual(["stop"]));
    expect(context.logged.join("")).not.toMatch(/secret|\u001b/);
  });

  it("takes 200 lines a second with little time and memory", { timeout: 60_000 }, async () => {
    begin();
    await listening();
    const feed = async (seconds: number): Promise<void> => {
      for (let tick = 0; tick < seconds * 20; tick += 1) {
        for (let index = 0; index < 10; index += 1)
          twitch.chat({
            text: index === 0 ? "!cam left" : "What a robot",
            user: `viewer${tick * 10 + index}`,
          });
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await feed(1);
    globalThis.gc?.();
    const [heap, cpu] = [process.memoryUsage().heapUsed, process.cpuUsage()];
    await feed(5);
    globalThis.gc?.();
    const { user, system } = process.cpuUsage(cpu);
    // Fake and surface together; most of it is the fake's.
    expect((user + system) / 1e6).toBeLessThan(2.5);
    expect(process.memoryUsage().heapUsed - heap).toBeLessThan(30e6);
    expect(kinds()).toEqual([]);
    twitch.chat({ text: "!stop", badges: ["moderator"] });
    await soon(() => expect(kinds()).toEqual(["stop"]));
    expect(twitch.said.length).toBeLessThanOrEqual(20);
  });

  it("stops within two seconds, with everything closed", async () => {
    begin();
    await listening();
    const began = performance.now();
    stop.abort();
    await running;
    expect(performance.now() - began).toBeLessThan(2000);
    await soon(() => expect(twitch.readers).toBe(0));
  });
});

describe("the chat surface without a login", () => {
  it("says how to log in, and leaves everything else alone", async () => {
    begin();
    await soon(() =>
      expect(events.notices()).toEqual([
        "Twitch chat waits for a person: There is no Twitch login yet. Run `spotlive twitch login` and enter the code that it shows.",
      ]),
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Access } from "../../../../src/control/chat/access.ts";
import { plainLine } from "../../../../src/control/chat/answers.ts";
import { BoundedMap } from "../../../../src/control/chat/bounded-map.ts";
import { CoolDowns } from "../../../../src/control/chat/cool-downs.ts";
import { parseFrame } from "../../../../src/control/chat/eventsub-frame.ts";
import { tierOfBadges } from "../../../../src/control/chat/message.ts";
import { defaultRules } from "../../../../src/control/chat/options.ts";
import { SendRate } from "../../../../src/control/chat/send-rate.ts";
import { Round } from "../../../../src/control/chat/vote.ts";
import { by, line } from "./context.ts";

describe("tierOfBadges", () => {
  it("takes the highest badge", () => {
    expect(tierOfBadges(["subscriber", "moderator", "vip"])).toBe("moderator");
    expect(tierOfBadges(["founder", "bits"])).toBe("subscriber");
    expect(tierOfBadges([])).toBe("everyone");
  });
});

describe("Access", () => {
  it("raises somebody until the time is over", () => {
    const access = new Access("vip");
    access.allow("ada", 1000);
    expect(access.tierOf(line("!cam left"), 999)).toBe("vip");
    expect(access.tierOf(line("!cam left"), 1000)).toBe("everyone");
  });

  it("never lowers somebody by allowing", () => {
    const access = new Access("vip");
    access.allow("ada", 1000);
    expect(access.tierOf(by("ada", "broadcaster", "!x"), 1)).toBe("broadcaster");
  });

  it("holds a grant to the number of the first person with that name", () => {
    const access = new Access("vip");
    access.allow("ada", 1000);
    expect(access.tierOf(line("!x", { userId: "7" }), 1)).toBe("vip");
    expect(access.tierOf(line("!x", { userId: "8" }), 2)).toBe("everyone");
    expect(access.tierOf(line("!x", { userId: "7", userName: "renamed" }), 3)).toBe("vip");
  });

  it("denies by name until allowed again, but nobody of the denier's own tier or above", () => {
    const access = new Access("vip");
    access.deny("ada", "moderator");
    expect(access.tierOf(by("ada", "vip", "!x"), 1)).toBeUndefined();
    expect(access.tierOf(by("ada", "moderator", "!x"), 1)).toBe("moderator");
    access.allow("ada", 100);
    expect(access.tierOf(by("ada", "vip", "!x"), 1)).toBe("vip");
  });
});

describe("CoolDowns", () => {
  const rules = { ...defaultRules.coolDowns, clip: { userSeconds: 60, globalSeconds: 15 } };

  it("lets a command rest for all, and longer for the one who used it", () => {
    const coolDowns = new CoolDowns(rules);
    expect(coolDowns.use("clip", "a", 0)).toBe(0);
    expect(coolDowns.use("clip", "b", 5000)).toBe(10_000);
    expect(coolDowns.use("clip", "b", 15_000)).toBe(0);
    expect(coolDowns.use("clip", "a", 40_000)).toBe(20_000);
  });

  it("never lets a refused try prolong the wait", () => {
    const coolDowns = new CoolDowns(rules);
    coolDowns.use("clip", "a", 0);
    for (let at = 0; at < 60_000; at += 100) expect(coolDowns.use("clip", "a", at)).toBeGreaterThan(0);
    expect(coolDowns.use("clip", "a", 60_000)).toBe(0);
  });
});

describe("SendRate", () => {
  it.each([
    { privileged: false, lines: 20 },
    { privileged: true, lines: 100 },
  ])("never lets more than $lines lines through in any 30 s", ({ privileged, lines }) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 200, maxLength: 300 }), (gaps) => {
        const rate = new SendRate();
        rate.privileged = privileged;
        const sent: number[] = [];
        let now = 0;
        for (const gap of gaps) {
          now += Math.floor(gap / 20);
          now += rate.waitMs(now);
          expect(rate.waitMs(now)).toBe(0);
          rate.note(now);
          sent.push(now);
        }
        for (const [index, at] of sent.entries())
          expect((sent[index + lines] ?? Infinity) - at).toBeGreaterThan(30_000);
      }),
      { numRuns: 20 },
    );
  });
});

describe("BoundedMap", () => {
  it("forgets what was not used for longest", () => {
    const map = new BoundedMap<string, number>(2);
    map.set("a", 1);
    map.set("b", 2);
    map.get("a");
    map.set("c", 3);
    expect([map.get("a"), map.get("b"), map.get("c"), map.size]).toEqual([1, undefined, 3, 2]);
  });
});

describe("Round", () => {
  const left = { label: "left", action: { kind: "look", pan: -10, tilt: 0, zoom: 1 } } as const;
  const right = { label: "right", action: { kind: "look", pan: 10, tilt: 0, zoom: 1 } } as const;

  it("gives the choice with the most votes", () => {
    const round = new Round();
    for (const person of ["a", "b", "c"]) round.cast(person, person === "c" ? right : left);
    expect(round.outcome(2)).toEqual({ kind: "won", choice: left, votes: 2, total: 3 });
  });

  it("counts the latest vote of a person, once", () => {
    const round = new Round();
    round.cast("a", left);
    round.cast("a", left);
    round.cast("a", right);
    expect(round.tally()).toEqual([{ label: "right", votes: 1 }]);
  });

  it("moves nothing on a tie or with too few votes", () => {
    const round = new Round();
    round.cast("a", left);
    expect(round.outcome(2)).toEqual({ kind: "too-few", total: 1, needed: 2 });
    round.cast("b", right);
    expect(round.outcome(2)).toEqual({ kind: "tied", labels: ["left", "right"], total: 2 });
  });

  it("holds a bounded number of people", () => {
    const round = new Round();
    for (let person = 0; person < 10_000; person += 1) expect(round.cast(String(person), left)).toBe(true);
    expect(round.cast("one more", left)).toBe(false);
    expect(round.cast("0", right)).toBe(true);
  });
});

describe("plainLine", () => {
  it("gives one line of at most 500 characters that is no command to Twitch, whatever it is given", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 1200 }), (text) => {
        const said = plainLine(text);
        expect(said.length).toBeLessThanOrEqual(500);
        expect(said).not.toMatch(/^[/.]|[\r\n\0]/);
        expect(said.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe("parseFrame", () => {
  it("never throws on any text or any JSON", () => {
    const frame = fc.record(
      {
        metadata: fc.record({
          message_type: fc.constantFrom(
            "session_welcome",
            "session_reconnect",
            "revocation",
            "notification",
            7,
            null,
          ),
        }),
        payload: fc.oneof(
          fc.anything(),
          fc.record({ subscription: fc.constant({ type: "channel.chat.message" }), event: fc.anything() }),
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          frame.map((value) => JSON.stringify(value) ?? ""),
        ),
        (text) => {
          parseFrame(text, "100");
        },
      ),
      { numRuns: 1000 },
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSameSecret, Sessions } from "../../../../src/control/http/sessions.ts";

function createSessions(most = 3): { readonly sessions: Sessions; pass(seconds: number): void } {
  let nowUs = 0;
  return {
    sessions: new Sessions({ most, idleSeconds: 100 }, () => nowUs),
    pass: (seconds) => void (nowUs += seconds * 1_000_000),
  };
}

describe("the sessions of browsers", () => {
  it("are found by their token alone", () => {
    const { sessions } = createSessions();
    const { token, session } = sessions.begin("ann");
    expect(sessions.find(token)).toBe(session);
    expect(session).toMatchObject({ by: "ann", csrf: expect.stringMatching(/^[\w-]{43}$/) });
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(token).not.toBe(session.csrf);
    for (const other of [undefined, "", session.csrf, `${token}x`, token.toLowerCase()])
      expect(sessions.find(other)).toBeUndefined();
  });

  it("end when nobody has used them for long, and not before", () => {
    const { sessions, pass } = createSessions();
    const { token, session } = sessions.begin("ann");
    for (let days = 0; days < 5; days += 1) {
      pass(99);
      expect(sessions.find(token)).toBe(session);
    }
    pass(100);
    expect(sessions.find(token)).toBeUndefined();
    expect(session.ended.aborted).toBe(true);
    expect(sessions.size).toBe(0);
  });

  it("end at logout, and one of them alone", () => {
    const { sessions } = createSessions();
    const [ann, bob] = [sessions.begin("ann"), sessions.begin("bob")];
    sessions.end(ann.token);
    expect([ann.session.ended.aborted, bob.session.ended.aborted]).toEqual([true, false]);
    expect([sessions.find(ann.token), sessions.find(bob.token)]).toEqual([undefined, bob.session]);
  });

  it("make place for a new one where the one used longest ago was", () => {
    const { sessions, pass } = createSessions(2);
    const first = sessions.begin("ann");
    pass(1);
    const second = sessions.begin("bob");
    pass(1);
    sessions.find(first.token);
    sessions.begin("eve");
    expect(sessions.find(first.token)).toBe(first.session);
    expect(sessions.find(second.token)).toBeUndefined();
    expect(second.session.ended.aborted).toBe(true);
  });

  it("are never more than they may be, nor found by a guess", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" }), { maxLength: 20 }), (guesses) => {
        const { sessions } = createSessions();
        for (const guess of guesses) {
          sessions.begin(guess);
          expect(sessions.find(guess)).toBeUndefined();
          sessions.end(guess);
        }
        expect(sessions.size).toBe(Math.min(3, guesses.length));
      }),
    );
  });
});

describe("the comparison of secrets", () => {
  it("takes the same text and nothing else", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.anything(), (right, given) => {
        expect(isSameSecret(right, right)).toBe(true);
        expect(isSameSecret(given, right)).toBe(given === right);
      }),
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCredentialCheck } from "../../../../src/control/http/credentials.ts";
import { checkOptions, isLoopback } from "../../../../src/control/http/options.ts";
import type { HttpOptions } from "../../../../src/control/http/options.ts";
import type { Fault } from "../../../../src/domain/fault.ts";
import { createJournal } from "../../../../src/control/journal.ts";
import { createMask } from "../../../../src/lib/log.ts";
import { Secret } from "../../../../src/domain/secret.ts";

const password = new Secret("correct: hörse");
const token = new Secret("0123456789abcdef");
const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

describe("the check of credentials", () => {
  const check = createCredentialCheck({ user: "ann", password, token });

  it.each([
    [basic("ann:correct: hörse"), { kind: "known", by: "ann" }],
    ["bearer 0123456789abcdef", { kind: "known", by: "token" }],
    [undefined, { kind: "absent" }],
    [basic("bob:correct: hörse"), { kind: "wrong" }],
    [basic("ann:correct"), { kind: "wrong" }],
    ["Bearer 0123456789abcdeF", { kind: "wrong" }],
    ["Bearer", { kind: "wrong" }],
    ["Digest 0123456789abcdef", { kind: "wrong" }],
  ])("takes %s for %o", (header, identity) => {
    expect(check(header)).toEqual(identity);
  });

  it("knows no scheme that is not configured", () => {
    const none = createCredentialCheck({ user: "" });
    expect(none(basic(":"))).toEqual({ kind: "wrong" });
    expect(none("Bearer undefined")).toEqual({ kind: "wrong" });
  });

  it("never throws and never lets a stranger in", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        for (const header of [text, `Basic ${text}`, `Bearer ${text}`])
          expect(check(header).kind).toBe("wrong");
      }),
    );
  });
});

const closed: HttpOptions = {
  host: "0.0.0.0",
  port: 0,
  user: "ann",
  allowedHosts: [],
  maxEventClients: 1,
  version: "1",
  journal: createJournal(createMask()),
};

function faultOf(options: HttpOptions): string {
  try {
    checkOptions(options);
    return "";
  } catch (error) {
    return (error as Fault).code;
  }
}

describe("the options", () => {
  it.each(["0.0.0.0", "::", "192.168.1.7", "::ffff:1.2.3.4", "localhost.example.org", "2130706433", ""])(
    "refuse to be open to others on %s",
    (host) => {
      expect(faultOf({ ...closed, host })).toBe("config-invalid");
      expect(faultOf({ ...closed, host, token })).toBe("");
      expect(faultOf({ ...closed, host, password })).toBe("");
    },
  );

  it.each(["127.0.0.1", "127.9.9.9", "::1", "localhost", "LocalHost"])("need no password on %s", (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(faultOf({ ...closed, host })).toBe("");
  });

  it("refuse a password that is soon guessed", () => {
    expect(faultOf({ ...closed, password: new Secret("1234567") })).toBe("config-invalid");
    expect(faultOf({ ...closed, token: new Secret("123456789012345") })).toBe("config-invalid");
    expect(faultOf({ ...closed, token: new Secret("1234567890 123456") })).toBe("config-invalid");
  });
});

import { describe, expect, it } from "vitest";
import type { ConfigKey } from "../../../../src/web/model/wire.ts";
import { change, controlOf, fromText, matches, toText } from "../../../../src/web/settings/draft.ts";

const keyOf = (fields: Partial<ConfigKey>): ConfigKey => ({
  ...{
    path: "http.port",
    doc: "The port.",
    kind: "whole-number",
    default: 8080,
    from: "default",
    value: 8080,
  },
  ...fields,
});
const port = keyOf({ min: 1, max: 65_535 });
const list = keyOf({ kind: "list", default: [], value: ["a", "b"] });

describe("a setting", () => {
  it("is read as what it is", () => {
    expect(fromText("9000", port)).toEqual({ ok: true, value: 9000 });
    expect(fromText("0,5", keyOf({ kind: "number" }))).toEqual({ ok: true, value: 0.5 });
    expect(fromText("a\n\n c ", list)).toEqual({ ok: true, value: ["a", "c"] });
    expect(fromText('[{"name":"main"}]', keyOf({ kind: "list", value: [{}] }))).toEqual({
      ok: true,
      value: [{ name: "main" }],
    });
    expect(fromText(" keeps spaces ", keyOf({ kind: "secret" }))).toEqual({
      ok: true,
      value: " keeps spaces ",
    });
  });

  it("is the default when it is empty", () => {
    for (const kind of ["text", "number", "choice", "secret"])
      expect(fromText("", keyOf({ kind })), kind).toEqual({ ok: true, value: null });
  });

  it.each(["x", "1.5", "0", "70000"])("is not taken as %s where a port is expected", (text) => {
    expect(fromText(text, port)).toMatchObject({ ok: false });
  });

  it("is not taken where JSON is not JSON", () => {
    expect(fromText("{", keyOf({ kind: "list", value: [{}] }))).toMatchObject({ ok: false });
  });

  it("of an unknown kind is a text where its value is one, else JSON", () => {
    expect(controlOf(keyOf({ kind: "duration", value: "5s" }))).toBe("text");
    expect(controlOf(keyOf({ kind: "map", value: { a: 1 } }))).toBe("json");
  });

  it("stands in its field so that it is read back the same", () => {
    for (const key of [
      port,
      list,
      keyOf({ kind: "text", value: "x" }),
      keyOf({ kind: "map", value: { a: [1] } }),
    ])
      expect(fromText(toText(key.value, controlOf(key)), key)).toEqual({ ok: true, value: key.value });
  });

  it("is found by words of its name or its meaning", () => {
    expect(matches(port, "port http")).toBe(true);
    expect(matches(port, "mqtt")).toBe(false);
  });
});

describe("a draft", () => {
  it("holds what differs, and forgets what is as it was before", () => {
    const changed = change(new Map(), port, 9000);
    expect([...changed]).toEqual([["http.port", 9000]]);
    expect(change(changed, port, 8080).size).toBe(0);
  });

  it("takes a key back to its default only where it has another value", () => {
    expect(change(new Map(), port, null).size).toBe(0);
    expect([...change(new Map(), keyOf({ from: "file", value: 81 }), null)]).toEqual([["http.port", null]]);
  });

  it("always sends a secret that was typed, as its value is not known here", () => {
    const secret = keyOf({ path: "mqtt.password", kind: "secret", default: null, isSet: true });
    expect(change(new Map(), secret, "new").get("mqtt.password")).toBe("new");
    expect(change(new Map(), secret, null).has("mqtt.password")).toBe(true);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChanges } from "../../../src/config/change-config.ts";

const nothingSet = (): boolean => false;

function problemsOf(
  given: unknown,
  environment = {},
  isSet: (path: string) => boolean = nothingSet,
): string[] {
  return parseChanges(given, environment, isSet).problems.map(({ path, text }) => `${path}: ${text}`);
}

describe("a change of the settings", () => {
  it("is taken key by key", () => {
    const given = { "http.port": 8080, "hold.max": null, "outputs[0].name": "a", "outputs[1]": null };
    expect(parseChanges(given, {}, nothingSet)).toEqual({
      problems: [],
      changes: [
        { place: ["http", "port"], value: 8080 },
        { place: ["hold", "max"], value: null },
        { place: ["outputs", 0, "name"], value: "a" },
        { place: ["outputs", 1], value: null },
      ],
    });
  });

  it("of a secret takes the place of the file that held it", () => {
    expect(parseChanges({ "mqtt.password": "new" }, {}, nothingSet).changes).toEqual([
      { place: ["mqtt", "password"], value: "new" },
      { place: ["mqtt", "passwordFile"], value: null },
    ]);
    expect(parseChanges({ "mqtt.password": null }, {}, nothingSet).changes).toHaveLength(1);
  });

  it.each([
    [{ "http.port": 0 }, "http.port: expected a whole number from 1 to 65535, got 0"],
    [{ "http.port": "80" }, 'http.port: expected a whole number from 1 to 65535, got "80"'],
    [{ "http.prot": 1 }, "http.prot: there is no such key. Did you mean http.port?"],
    [{ http: { port: 1 } }, "http: there is no such key."],
    [{ outputs: [] }, "outputs: there is no such key."],
    [{ "outputs[0]": {} }, "outputs[0]: expected null, which takes it away"],
    [{ "outputs[8].name": "a" }, "outputs[8].name: there is no such key."],
    [{ "outputs[0].nam": "a" }, "outputs[0].nam: there is no such key."],
    [{ "http.password": 12 }, "http.password: expected a text, got a number (hidden, as it may be a secret)"],
    [
      { "http.password": "a\nb" },
      "http.password: expected a text, got a text (hidden, as it may be a secret)",
    ],
    [
      { "mqtt.passwordFile": "/etc/shadow" },
      "mqtt.passwordFile: names a file with a secret, which can only be set by hand; set the secret itself instead",
    ],
    [[1], ": expected changes by their keys, got something else"],
    ["x", ": expected changes by their keys, got something else"],
    [null, ": expected changes by their keys, got something else"],
  ])("%j is refused in plain words", (given, problem) => {
    expect(problemsOf(given)).toEqual([problem]);
  });

  it("of a key that the environment sets is refused, as the environment would win", () => {
    expect(problemsOf({ "http.port": 80 }, { SPOTLIVE_HTTP_PORT: "90" })).toEqual([
      "http.port: is set by the environment variable SPOTLIVE_HTTP_PORT, which wins over the file",
    ]);
    expect(problemsOf({ "http.port": 80 }, { SPOTLIVE_HTTP_PORT: "" })).toEqual([]);
  });

  it.each([
    ["outputs[0].url", "rtmp://evil.example/app", "outputs[0].streamKey"],
    ["outputs[1].kind", "rtmp", "outputs[1].streamKey"],
    ["outputs[0].ingest", "rtmp://evil.example/app", "outputs[0].streamKey"],
    ["spot.host", "evil.example", "spot.password"],
    ["spot.cameraHost", null, "spot.payload.secret"],
    ["spot.tls.insecure", true, "spot.password"],
    ["mqtt.url", "mqtt://evil.example", "mqtt.password"],
  ])("of %s, where a secret is sent, needs the secret again", (path, value, secret) => {
    const problem = `${path}: says where a secret is sent: give ${secret} again with it`;
    for (const known of [secret, `${secret}File`]) {
      const isSet = (path: string): boolean => path === known;
      expect(problemsOf({ [path]: value }, {}, isSet)).toEqual([problem]);
      expect(problemsOf({ [path]: value, [secret]: null }, {}, isSet)).toEqual([problem]);
      expect(problemsOf({ [path]: value, [secret]: "brought along" }, {}, isSet)).toEqual([]);
    }
    expect(problemsOf({ [path]: value })).toEqual([]);
  });

  it("is read without a fault, whatever it is", () => {
    const key = fc.oneof(
      fc.string(),
      fc.constantFrom("__proto__", "constructor", "http.port", "outputs[0].x"),
    );
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.dictionary(key, fc.anything())), (given) => {
        const { changes, problems } = parseChanges(given, {}, () => true);
        for (const { place } of changes) expect(place).not.toContain("__proto__");
        for (const { path } of problems) expect(path.length).toBeLessThanOrEqual(80);
      }),
    );
    expect(
      problemsOf(Object.fromEntries(Array.from({ length: 301 }, (_, index) => [`k${index}`, 1]))),
    ).toEqual([": expected at most 300 changes"]);
  });
});

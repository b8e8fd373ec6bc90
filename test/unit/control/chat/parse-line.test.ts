import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseLine } from "../../../../src/control/chat/parse-line.ts";

const read = (text: string): unknown => {
  const parsed = parseLine(text, "!");
  return parsed?.kind === "command" ? parsed.command : parsed?.kind;
};

describe("parseLine", () => {
  it.each([
    ["!start", { name: "start" }],
    ["!STOP", { name: "stop" }],
    ["!cam left", { name: "cam", direction: "left", degrees: undefined }],
    ["!cam  Up 12.5 ", { name: "cam", direction: "up", degrees: 12.5 }],
    ["!zoom in", { name: "zoom", to: "in" }],
    ["!zoom 4", { name: "zoom", to: 4 }],
    ["!view Charging dock", { name: "view", view: "Charging dock" }],
    ["!light 50%", { name: "light", percent: 50 }],
    ["!clip", { name: "clip", seconds: 30 }],
    ["!clip 12", { name: "clip", seconds: 12 }],
    ["!bitrate", { name: "bitrate" }],
    ["!bitrate 3000", { name: "setBitrate", bitrateCap: 3_000_000 }],
    ["!bitrate off", { name: "setBitrate", bitrateCap: null }],
    ["!allow @Ada_1 10m", { name: "allow", user: "ada_1", seconds: 600 }],
    ["!allow ada 90s", { name: "allow", user: "ada", seconds: 90 }],
    ["!allow ada", { name: "allow", user: "ada", seconds: 600 }],
    ["!deny ada", { name: "deny", user: "ada" }],
  ])("reads %s", (text, command) => expect(read(text)).toEqual(command));

  it.each(["hello", " !start", "!", "!!", "!dance", "!constructor", "start", "", "!__proto__"])(
    "takes %j for no command of ours",
    (text) => expect(read(text)).toBeUndefined(),
  );

  it.each([
    "!cam",
    "!cam away",
    "!cam left 0",
    "!cam left 1e3",
    "!cam left -5",
    "!cam left 5 6",
    "!zoom",
    "!zoom 0",
    "!zoom 101",
    "!zoom in 3",
    "!view",
    "!view ../../etc",
    "!view a;b",
    "!light 101",
    "!light",
    "!clip 0",
    "!clip 301",
    "!bitrate 99",
    "!bitrate many",
    "!allow",
    "!allow ada 25h",
    "!allow ada 0m",
    "!allow a-d-a 10m",
    "!deny",
    "!deny ada now",
  ])("says how %j is used", (text) => expect(read(text)).toBe("usage"));

  it("reads a line to which a chat program has added an invisible character", () => {
    expect(read("!start \u{E0000}")).toEqual({ name: "start" });
  });

  it("takes another prefix", () => {
    expect(parseLine("!spot start", "!spot ")).toMatchObject({ command: { name: "start" } });
    expect(parseLine("!start", "!spot ")).toBeUndefined();
  });

  it("never throws, and lets through only bounded numbers and plain names", () => {
    const word = fc.oneof(
      fc.constantFrom(
        "cam",
        "zoom",
        "view",
        "light",
        "clip",
        "bitrate",
        "allow",
        "deny",
        "left",
        "in",
        "10m",
        "@",
      ),
      fc.string({ unit: "binary" }),
      fc.float().map(String),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (words) => {
        const parsed = parseLine(`!${words.join(" ")}`, "!");
        if (parsed?.kind !== "command") return;
        for (const value of Object.values(parsed.command)) {
          if (typeof value === "number") expect(value >= 0 && value <= 50_000_000).toBe(true);
          if (typeof value === "string") expect(value).toMatch(/^[\w .:-]{1,64}$/);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

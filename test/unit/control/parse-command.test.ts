import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCommand } from "../../../src/control/parse-command.ts";
import { Fault } from "../../../src/domain/fault.ts";

describe("parseCommand", () => {
  it.each([
    [{ kind: "start" }, { kind: "start" }],
    [{ kind: "clip" }, { kind: "clip", seconds: 30 }],
    [
      { kind: "camera", action: { kind: "look", pan: -10 } },
      { kind: "camera", action: { kind: "look", pan: -10, tilt: 0, zoom: 1 } },
    ],
    [
      { kind: "camera", action: { kind: "goto", position: { zoom: 4 } } },
      { kind: "camera", action: { kind: "goto", position: { zoom: 4 } } },
    ],
    [
      { kind: "set", change: { destinations: ["main"], bitrateCap: null } },
      { kind: "set", change: { destinations: ["main"], bitrateCap: null } },
    ],
  ])("reads %j", (value, command) => {
    expect(parseCommand(value)).toEqual(command);
  });

  it.each([
    [undefined, /a command like/],
    [{ kind: "dance" }, /got "dance"/],
    [{ kind: "set", change: { bitrate: 1 } }, /bitrateCap/],
    [{ kind: "set", change: { bitrateCap: "3" } }, /a number from 100000/],
    [{ kind: "set", change: { destinations: [] } }, /list of 1 to 8/],
    [{ kind: "camera", action: { kind: "look", pan: 1000 } }, /from -180 to 180/],
    [{ kind: "camera", action: { kind: "preset", name: "../../etc" } }, /a name of/],
    [{ kind: "camera", action: { kind: "lights" } }, /brightness/],
  ])("refuses %j and says what was expected", (value, message) => {
    expect(() => parseCommand(value)).toThrow(message);
  });

  it("throws nothing but malformed faults", () => {
    const nearly = fc.record({
      kind: fc.constantFrom("set", "camera", "clip", "start"),
      change: fc.anything(),
      action: fc.oneof(
        fc.anything(),
        fc.record({ kind: fc.constantFrom("look", "goto", "preset"), position: fc.anything() }),
      ),
      seconds: fc.anything(),
    });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), nearly), (value) => {
        try {
          parseCommand(value);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
          expect(error).toMatchObject({ code: "malformed" });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

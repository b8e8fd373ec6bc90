import { describe, expect, it } from "vitest";
import type { LineSettings } from "../../../src/domain/status.ts";
import type { Line } from "../../../src/supervisor/line.ts";
import { changeSettings } from "../../../src/supervisor/settings.ts";
import { createHandCamera } from "../../helpers/parts.ts";

const before: LineSettings = { destinations: ["one"], bitrateCap: 4e6, audio: "silent" };
const line: Line = {
  sourceName: "hand",
  outputNames: ["one", "two"],
  build: () => {
    throw new Error("not built here");
  },
  encoder: { restoreOnExit: true, congestionControlAfter: true, stateDirectory: "/dev/null" },
  rate: { floor: 400_000, configured: undefined },
  idrSeconds: 2,
};
const withCamera: Line = { ...line, camera: createHandCamera() };

describe("a change of the settings", () => {
  it.each([
    [{}, before],
    [{ destinations: ["two"] }, { ...before, destinations: ["two"] }],
    [{ bitrateCap: 2e6 }, { ...before, bitrateCap: 2e6 }],
    [{ bitrateCap: null }, { ...before, bitrateCap: null }],
    [{ audio: "none" as const }, { ...before, audio: "none" }],
    [{ idrSeconds: 1 }, before],
  ])("of %o leaves everything else as it was", (change, after) => {
    expect(changeSettings(change, before, withCamera)).toEqual(after);
  });

  it("to an output that does not exist is refused with those that do", () => {
    expect(() => changeSettings({ destinations: ["one", "three"] }, before, line)).toThrow(
      'There is no output called "three": there are one, two.',
    );
  });

  it.each([{ bitrateCap: 2e6 }, { idrSeconds: 1 }])("of %o needs a camera that can be asked", (change) => {
    expect(() => changeSettings(change, before, line)).toThrow("does not let its bit rate");
  });

  it("takes the cap off also where no camera can be asked", () => {
    expect(changeSettings({ bitrateCap: null }, before, line).bitrateCap).toBeNull();
  });
});

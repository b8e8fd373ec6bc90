import { describe, expect, it } from "vitest";
import { strictest } from "../../../src/media/destination-rules.ts";

describe("the rules for several destinations", () => {
  it("are those of any RTMP server where no destination is named", () => {
    expect(strictest([])).toMatchObject({
      name: "any RTMP server",
      mostBitsPerSecond: undefined,
      needsAudio: false,
    });
  });

  it("name one service once, however many outputs it has", () => {
    expect(strictest(["twitch", "twitch"])).toEqual(strictest(["twitch"]));
  });

  it("take the narrower of each, in whatever order they come", () => {
    const rules = strictest(["youtube", "twitch"]);
    const { name: _name, ...twitch } = strictest(["twitch"]);
    expect(rules).toEqual({ name: "YouTube and Twitch", ...twitch });
    const { name: _other, ...turned } = strictest(["twitch", "youtube"]);
    expect(turned).toEqual(twitch);
  });

  it("keep the one limit that there is", () => {
    expect(strictest(["generic", "youtube"])).toMatchObject({
      mostBitsPerSecond: 51_000_000,
      mostIdrSeconds: 4.5,
      mostFps: 60,
      needsAudio: true,
      bFrames: true,
      profiles: strictest(["youtube"]).profiles,
    });
    expect(strictest(["generic", "generic"]).mostBitsPerSecond).toBeUndefined();
  });
});

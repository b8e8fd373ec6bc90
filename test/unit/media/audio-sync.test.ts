import { describe, expect, it } from "vitest";
import { AudioSynchronizer } from "../../../src/media/audio-sync.ts";
import { Timeline } from "../../../src/media/timeline.ts";

describe("AudioSynchronizer", () => {
  it("goes by arrival until both streams have told their wall clock", () => {
    const sync = new AudioSynchronizer(new Timeline());
    expect(sync.toSessionUs(48_000, 5, 700_000)).toBe(700_000);
    expect(sync.toSessionUs(48_960, 5, 720_000)).toBe(720_000);
  });

  it("puts a sound onto the picture of the same camera instant", () => {
    const video = new Timeline();
    const sync = new AudioSynchronizer(video);
    video.toSessionUs(90_000, 2_000_000, false);
    sync.toSessionUs(10_000, 5, 2_300_000); // came 300 ms late
    sync.noteSenderReport("video", 50_000_000, 90_000);
    sync.noteSenderReport("audio", 50_000_000, 10_960);
    expect(sync.toSessionUs(10_960, 5, 2_320_000)).toBe(2_300_001);
    const later = Array.from({ length: 40 }, (_, i) =>
      sync.toSessionUs(10_960 + 960 * (i + 1), 5, 2_340_000),
    );
    expect(later.at(-1)).toBe(2_000_000 + 40 * 20_000);
  });
});

import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FlvReader } from "../../../src/media/flv-reader.ts";
import { flvPictures } from "../../../src/transcode/picture-writer.ts";
import { VideoFeed, canReplay } from "../../../src/transcode/video-feed.ts";
import { pps, sps } from "../../helpers/rtp.ts";
import { videoUnit } from "../../helpers/units.ts";

const sets = { sps, pps };
const stallMs = 3000;

function feedFrom(...units: Parameters<VideoFeed["replay"]>[0]) {
  const feed = new VideoFeed(stallMs, flvPictures());
  feed.replay(units, sets, true);
  const stdin = new PassThrough();
  feed.attach(stdin);
  const written = () => [...new FlvReader().push((stdin.read() as Buffer | null) ?? Buffer.alloc(0))];
  return { feed, written };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance", "hrtime", "Date"] }));
afterEach(() => void vi.useRealTimers());

describe("VideoFeed", () => {
  it("writes the replay and what follows as one stream, each picture once", () => {
    const { feed, written } = feedFrom(videoUnit(1000, true), videoUnit(1033));
    expect(feed.push(videoUnit(1033), sets, false)).toBe(true);
    expect(feed.push(videoUnit(1067), sets, false)).toBe(true);
    const newer = { sps, pps: Buffer.from([0x68, 1, 2]) };
    feed.push(videoUnit(1100, true), newer, true);
    expect(written().map((tag) => (tag.kind === "video" ? tag.dtsMs : tag.kind))).toEqual([
      ...["avc-config", 0, 33, 67],
      ...["avc-config", 100],
    ]);
  });

  it("refuses what is too much, and goes on where a decoder can begin, once there is room", () => {
    const { feed } = feedFrom(videoUnit(0, true));
    for (let ms = 1; ms < 60; ms += 1) expect(feed.push(videoUnit(ms), sets, false)).toBe(true);
    expect(feed.push(videoUnit(60), sets, false)).toBe(false);
    feed.take(10);
    expect(feed.push(videoUnit(61, true), sets, true)).toBe(false);
    feed.take(29);
    expect(feed.push(videoUnit(62), sets, false)).toBe(false);
    expect(feed.push(videoUnit(63, true), sets, true)).toBe(true);
    expect(feed.push(videoUnit(64), sets, false)).toBe(true);
  });

  it("counts the bytes of a replay, but not its pictures", () => {
    const replayed = Array.from({ length: 100 }, (_, ms) => videoUnit(ms, ms === 0, 100_000));
    const { feed } = feedFrom(...replayed);
    expect(canReplay(replayed)).toBe(true);
    expect(feed.push(videoUnit(100, false, 5_000_000), sets, false)).toBe(true);
    expect(feed.push(videoUnit(101, false, 2_000_000), sets, false)).toBe(false);
    expect(canReplay([...replayed, videoUnit(100, false, 3_000_000)])).toBe(false);
    expect(canReplay([videoUnit(0, true), videoUnit(10_001)])).toBe(false);
  });

  it("has stalled when pictures came without a pause and none went out", () => {
    const { feed } = feedFrom(videoUnit(0, true));
    const offer = (milliseconds: number): void => {
      for (let ms = 0; ms < milliseconds; ms += 100) {
        vi.advanceTimersByTime(100);
        feed.push(videoUnit(performance.now() + 1_000_000), sets, true);
      }
    };
    offer(2900);
    expect(feed.hasStalled).toBe(false);
    vi.advanceTimersByTime(20_000); // the source is silent
    offer(3000);
    expect(feed.hasStalled).toBe(false);
    offer(200);
    expect(feed.hasStalled).toBe(true);
    feed.advance();
    expect(feed.hasStalled).toBe(false);
  });

  it("is given the time of a long replay on top", () => {
    const { feed } = feedFrom(videoUnit(0, true), videoUnit(5000));
    for (let ms = 0; ms < 7900; ms += 100) {
      vi.advanceTimersByTime(100);
      feed.push(videoUnit(6000 + ms), sets, true);
    }
    expect(feed.hasStalled).toBe(false);
    vi.advanceTimersByTime(200);
    feed.push(videoUnit(20_000), sets, true);
    expect(feed.hasStalled).toBe(true);
  });

  it("is settled when all that was pushed has come back, or at its end", async () => {
    const { feed } = feedFrom(videoUnit(0, true));
    feed.push(videoUnit(33), sets, false);
    let settled = false;
    const both = feed.settled().then(() => (settled = true));
    feed.push(videoUnit(66), sets, false);
    feed.take(0);
    await Promise.resolve();
    expect(settled).toBe(false);
    feed.take(33);
    await both;
    const rest = feed.settled();
    feed.end();
    await rest;
  });
});

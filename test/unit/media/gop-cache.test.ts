import { describe, expect, it } from "vitest";
import type { Unit } from "../../../src/domain/media.ts";
import { GopCache } from "../../../src/media/gop-cache.ts";
import { videoUnit } from "../../helpers/units.ts";

const sound = (ms: number): Unit => ({
  kind: "audio",
  ptsUs: ms * 1000,
  codec: "aac",
  payload: Buffer.from(`sound at ${ms}`),
});

function fill(units: readonly Unit[]): GopCache {
  const cache = new GopCache();
  for (const unit of units) cache.push(unit);
  return cache;
}

describe("GopCache", () => {
  it("keeps the last whole keyframe when a damaged one comes", () => {
    const whole = videoUnit(0, true, 900);
    const cache = fill([whole, videoUnit(33), { ...videoUnit(66, true), damaged: true }]);
    expect(cache.units).toHaveLength(3);
    expect(Buffer.from(cache.keyframe?.avcc ?? [])).toEqual(Buffer.from(whole.avcc));
  });

  it("gives back what came since the last keyframe, byte for byte, but for the RTP packets", () => {
    const gop = [videoUnit(66, true, 900), sound(70), videoUnit(99, false, 5), videoUnit(133, false, 300)];
    const cache = fill([videoUnit(0, true), videoUnit(33), ...gop]);
    const plain = (units: readonly Unit[]) =>
      units.map((unit) =>
        unit.kind === "audio"
          ? { ...unit, payload: Buffer.from(unit.payload) }
          : { ...unit, avcc: Buffer.from(unit.avcc), nalus: unit.nalus.map((nalu) => Buffer.from(nalu)) },
      );
    expect(plain(cache.units)).toEqual(plain(gop));
    expect(cache.milliseconds).toBe(67);
  });

  it("gives units that later pictures do not change", () => {
    const cache = fill([videoUnit(0, true, 900)]);
    const [before] = cache.units;
    const bytes = before?.kind === "video" ? Buffer.from(before.avcc) : undefined;
    cache.push(videoUnit(33, true, 2000));
    expect(before?.kind === "video" && bytes?.equals(before.avcc)).toBe(true);
  });

  it("keeps nothing before a keyframe came", () => {
    const cache = fill([videoUnit(0), sound(10)]);
    expect(cache.isEmpty).toBe(true);
    expect(cache.milliseconds).toBe(0);
  });

  it("grows for a large GOP and gives up one that is too large to be worth it", () => {
    const cache = fill([videoUnit(0, true, 900_000), videoUnit(33, false, 900_000)]);
    expect(cache.units).toHaveLength(2);
    for (let i = 2; i < 20; i += 1) cache.push(videoUnit(i * 33, false, 900_000));
    expect(cache.isEmpty).toBe(true);
  });
});

describe("the keyframe of a GOP", () => {
  it("is given alone, with its parameter sets, as a copy that later pictures do not change", () => {
    const cache = fill([videoUnit(0, true, 900), videoUnit(33)]);
    const keyframe = cache.keyframe;
    const bytes = keyframe && Buffer.from(keyframe.avcc);
    expect(keyframe).toMatchObject({ ptsUs: 0, keyframe: true, packets: [] });
    expect(keyframe?.nalus.map((nalu) => (nalu[0] ?? 0) & 0x1f)).toEqual([7, 8, 5]);
    cache.push(videoUnit(66, true, 2000));
    expect(keyframe && bytes?.equals(keyframe.avcc)).toBe(true);
  });

  it("is none before one has come, and after the cache was cleared", () => {
    const cache = fill([videoUnit(0)]);
    expect(cache.keyframe).toBeUndefined();
    cache.push(videoUnit(33, true));
    cache.clear();
    expect(cache.keyframe).toBeUndefined();
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import {
  audioSpecificConfig,
  parseAudioSpecificConfig,
  SilentAacClock,
  silentAacFormat,
} from "../../../src/media/aac.ts";

describe("AudioSpecificConfig", () => {
  it("has the bytes that every decoder knows", () => {
    expect(audioSpecificConfig({ sampleRate: 44_100, channels: 2 }).toString("hex")).toBe("1210");
    expect(audioSpecificConfig({ sampleRate: 48_000, channels: 2 }).toString("hex")).toBe("1190");
  });

  it("is read back as it was written", () => {
    for (const sampleRate of [96_000, 48_000, 44_100, 22_050, 7350]) {
      for (const channels of [1, 2] as const) {
        expect(parseAudioSpecificConfig(audioSpecificConfig({ sampleRate, channels }))).toEqual({
          sampleRate,
          channels,
        });
      }
    }
  });

  it("is refused when it is not mono or stereo AAC-LC, and never read any other way", () => {
    for (const hex of ["", "11", "2b92", "11b0", "1380"]) {
      expect(() => parseAudioSpecificConfig(Buffer.from(hex, "hex"))).toThrow(Fault);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), (bytes) => {
        try {
          parseAudioSpecificConfig(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
        }
      }),
    );
  });
});

describe("SilentAacClock", () => {
  it("gives 1024 samples at 44.1 kHz for each unit, without drift, up to the picture's time", () => {
    const clock = new SilentAacClock(silentAacFormat);
    const times: number[] = [];
    for (let frame = 0; frame <= 30 * 60; frame += 1)
      times.push(...clock.take(5_000_000 + Math.round((frame * 1e6) / 30)));
    expect(times[0]).toBe(5_000_000);
    expect(times).toHaveLength(Math.floor((60 * 44_100) / 1024) + 1);
    expect(times.at(-1)).toBe(5_000_000 + Math.round(((times.length - 1) * 1024 * 1e6) / 44_100));
  });

  it("fills a short pause of the picture", () => {
    const clock = new SilentAacClock(silentAacFormat);
    expect([...clock.take(0)]).toEqual([0]);
    expect([...clock.take(900_000)]).toHaveLength(38);
  });

  it("begins anew after a pause of more than a second instead of catching up", () => {
    const clock = new SilentAacClock(silentAacFormat);
    expect([...clock.take(0)]).toEqual([0]);
    expect([...clock.take(3_600_000_000)]).toEqual([3_600_000_000]);
    expect([...clock.take(3_600_023_220)]).toEqual([3_600_023_220]);
  });
});

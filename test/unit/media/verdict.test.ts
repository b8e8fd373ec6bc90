import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CameraAbility } from "../../../src/domain/camera.ts";
import type { Remedy, Rule } from "../../../src/domain/verdict.ts";
import { strictest } from "../../../src/media/destination-rules.ts";
import { StreamMeter } from "../../../src/media/measurement.ts";
import type { Measurement } from "../../../src/media/measurement.ts";
import { idrIntervalOf, judge, targetOf } from "../../../src/media/verdict.ts";
import { nal } from "../../helpers/rtp.ts";
import { videoUnit } from "../../helpers/units.ts";

/** What every destination takes as it is. */
const good: Measurement = {
  codec: "h264",
  seconds: 8,
  pictures: 240,
  profile: "High",
  level: 40,
  width: 1920,
  height: 1080,
  interlaced: false,
  fps: 30,
  bitsPerSecond: 5_000_000,
  idr: { count: 4, spacingMs: { min: 2000, mean: 2000, max: 2000 }, longestWaitMs: 2000 },
  bFrames: false,
  slicesPerPicture: 1,
  parameterSets: { variants: 1 },
};

const twitch = strictest(["twitch"]);
const youtube = strictest(["youtube"]);
const generic = strictest([]);
const nothing: ReadonlySet<CameraAbility> = new Set();
const everything: ReadonlySet<CameraAbility> = new Set(["bitrate", "idr"] as const);

const judged = (change: Partial<Measurement>, can = nothing, rules = twitch) =>
  judge({ ...good, ...change }, rules, { can, audio: true });

function brokenRules(verdict: ReturnType<typeof judge>): [Rule, Remedy][] {
  return verdict.findings
    .flatMap(({ rule, remedy }) => (remedy === undefined ? [] : [[rule, remedy] as const]))
    .map(([rule, remedy]) => [rule, remedy]);
}

const idr = (count: number, longestWaitMs: number): Measurement["idr"] => ({ count, longestWaitMs });

describe("the verdict", () => {
  it.each([
    ["Twitch", twitch],
    ["YouTube", youtube],
    ["any RTMP server", generic],
  ])("passes a usual stream on to %s, with one finding for each rule", (name, rules) => {
    const verdict = judged({}, nothing, rules);
    expect(verdict).toMatchObject({ kind: "copy", destination: name });
    const rulesLookedAt = verdict.findings.map(({ rule }) => rule);
    expect(rulesLookedAt).toEqual([
      ...["codec", "profile", "level", "size", "frame-rate"],
      ...["bit-rate", "idr-spacing", "b-frames", "parameter-sets", "audio"],
    ]);
  });

  it.each<[string, Rule, Partial<Measurement>]>([
    ["a profile that players do not decode", "profile", { profile: "High 4:4:4 Predictive" }],
    ["a level above the highest", "level", { level: 51 }],
    ["a picture that is too wide", "size", { width: 3840 }],
    ["a picture that is too high", "size", { height: 1440 }],
    ["an interlaced picture", "size", { interlaced: true }],
    ["too many frames a second", "frame-rate", { fps: 90 }],
    ["too high a bit rate", "bit-rate", { bitsPerSecond: 8_000_000 }],
    ["no IDR at all", "idr-spacing", { idr: idr(0, 6000) }],
    ["one IDR only", "idr-spacing", { idr: idr(1, 5900) }],
    ["IDR pictures that are too far apart", "idr-spacing", { idr: idr(2, 4000) }],
    ["B-frames", "b-frames", { bFrames: true }],
    ["ever new parameter sets", "parameter-sets", { parameterSets: { variants: 3 } }],
  ])(
    "finds %s, and that alone, which a camera that cannot be asked leaves to the encoder",
    (_name, rule, change) => {
      const verdict = judged(change);
      expect(brokenRules(verdict)).toEqual([[rule, "transcode"]]);
      expect(verdict.kind).toBe("transcode");
    },
  );

  it.each<[string, Partial<Measurement>]>([
    ["an average bit rate a little above the limit", { bitsPerSecond: 6_800_000 }],
    ["a rate of 60.5 frames a second", { fps: 60.5 }],
    ["a rate of nothing yet", { fps: 0, bitsPerSecond: 0 }],
    ["one change of the parameter sets, as after a restart", { parameterSets: { variants: 2 } }],
    ["IDR pictures 2.5 s apart", { idr: idr(3, 2500) }],
    ["a stretch without IDR that is still short", { idr: idr(0, 1900) }],
  ])("bears %s", (_name, change) => {
    expect(judged(change).kind).toBe("copy");
  });

  it("takes what is not known yet as kept", () => {
    const { profile: _profile, level: _level, width: _width, height: _height, ...unknown } = good;
    expect(judge(unknown, twitch, { can: nothing, audio: true }).kind).toBe("copy");
  });

  it("asks a camera that can for less bits per second, a tenth off the limit", () => {
    const verdict = judged({ bitsPerSecond: 8_000_000 }, everything);
    expect(verdict).toMatchObject({ kind: "ask-camera", ask: { targetBitrate: 5_400_000 } });
    expect(brokenRules(verdict)).toEqual([["bit-rate", "camera"]]);
  });

  it("asks a camera that can for an IDR every two seconds, counted in its own frames", () => {
    expect(judged({ idr: idr(0, 6000), fps: 15 }, everything)).toMatchObject({
      kind: "ask-camera",
      ask: { idrInterval: 30 },
    });
  });

  it("asks for both at once, and for nothing else", () => {
    const verdict = judged({ idr: idr(1, 6000), bitsPerSecond: 9e6 }, everything);
    expect(verdict).toMatchObject({ kind: "ask-camera" });
    expect(verdict).toHaveProperty("ask", { targetBitrate: 5_400_000, idrInterval: 60 });
  });

  it("leaves to the encoder what the camera cannot be asked for, even if it can be asked for something", () => {
    const verdict = judged({ bitsPerSecond: 8e6, idr: idr(0, 6000) }, new Set(["idr"] as const));
    expect(brokenRules(verdict)).toEqual([
      ["bit-rate", "transcode"],
      ["idr-spacing", "camera"],
    ]);
    expect(verdict.kind).toBe("transcode");
  });

  it("asks no camera whose profile makes an encoder necessary anyway", () => {
    const verdict = judged({ profile: "High 10", bitsPerSecond: 8e6 }, everything);
    expect(verdict.kind).toBe("transcode");
    expect(verdict).not.toHaveProperty("ask");
  });

  it("says that the configuration lacks sound, and copies all the same: no encoder adds it", () => {
    const verdict = judge(good, twitch, { can: everything, audio: false });
    expect(brokenRules(verdict)).toEqual([["audio", "configuration"]]);
    expect(verdict.kind).toBe("copy");
    expect(judge(good, generic, { can: everything, audio: false }).findings.at(-1)?.remedy).toBeUndefined();
  });

  it("lets YouTube have B-frames and IDR pictures 4 s apart, and its larger pictures", () => {
    const change = { bFrames: true, idr: idr(2, 4000), width: 3840, height: 2160, level: 51 };
    expect(judged(change, nothing, youtube).kind).toBe("copy");
  });

  it("finds no IDR in a stream that is refreshed gradually, whatever its recovery points say", () => {
    const meter = new StreamMeter();
    const recoveryPoint = Buffer.from([0x06, 0x06, 0x01, 0x84, 0x80]);
    for (let i = 0; i < 240; i += 1) {
      const unit = videoUnit((i * 1000) / 30);
      meter.add(i % 60 === 0 ? { ...unit, nalus: [recoveryPoint, nal(1, 100)] } : unit);
    }
    const verdict = judge(meter.read(), twitch, { can: everything, audio: true });
    expect(brokenRules(verdict)).toEqual([["idr-spacing", "camera"]]);
    expect(verdict.findings.find(({ rule }) => rule === "idr-spacing")?.text).toBe(
      "No IDR picture in 8.0 s; Twitch needs one at least every 2.5 s.",
    );
  });

  it("never throws, whatever was measured, and a target has even sides that fit", () => {
    const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(0, 1, -1, Infinity, NaN));
    const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
    const measurements = fc.record({
      ...{ codec: fc.constant("h264"), seconds: number, pictures: number, profile: maybe(fc.string()) },
      ...{
        level: maybe(number),
        width: maybe(number),
        height: maybe(number),
        interlaced: maybe(fc.boolean()),
      },
      ...{ fps: number, bitsPerSecond: number, bFrames: fc.boolean(), slicesPerPicture: number },
      idr: fc.record({ count: number, longestWaitMs: number }),
      parameterSets: fc.record({ variants: number }),
    }) as fc.Arbitrary<Measurement>;
    const kinds = fc.subarray(["twitch", "youtube", "generic"] as const);
    fc.assert(
      fc.property(measurements, kinds, fc.boolean(), fc.boolean(), (measurement, names, can, audio) => {
        const rules = strictest(names);
        const verdict = judge(measurement, rules, { can: can ? everything : nothing, audio });
        expect(verdict.findings).toHaveLength(10);
      }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: 16_384 }),
        fc.integer({ min: 16, max: 16_384 }),
        (width, height) => {
          const target = targetOf({ ...good, width, height }, twitch);
          if (target.width === undefined || target.height === undefined)
            return width <= 1920 && height <= 1080;
          const fits =
            target.width <= 1920 && target.height <= 1080 && target.width >= 2 && target.height >= 2;
          return fits && target.width % 2 === 0 && target.height % 2 === 0;
        },
      ),
    );
  });
});

describe("the target of an encode", () => {
  it("keeps size and rate that fit, and keeps off the limit of the bit rate", () => {
    expect(targetOf({ ...good, bitsPerSecond: 9e6 }, twitch)).toEqual({
      bitsPerSecond: 5_400_000,
      idrSeconds: 2,
      profile: "high",
    });
    expect(targetOf(good, twitch).bitsPerSecond).toBe(5_000_000);
  });

  it("makes a picture smaller in its own shape, and takes frames out", () => {
    expect(targetOf({ ...good, width: 3840, height: 2160, fps: 120 }, twitch)).toMatchObject({
      width: 1920,
      height: 1080,
      fps: 60,
    });
    expect(targetOf({ ...good, width: 1920, height: 1200 }, twitch)).toMatchObject({
      width: 1728,
      height: 1080,
    });
  });

  it("has a bit rate also where nothing was measured", () => {
    expect(targetOf({ ...good, bitsPerSecond: 0 }, generic).bitsPerSecond).toBe(3_000_000);
  });

  it("counts an IDR spacing in frames, 30 a second where none were measured, and never none", () => {
    expect([idrIntervalOf(2, 29.97), idrIntervalOf(2, 0), idrIntervalOf(0.01, 5)]).toEqual([60, 60, 1]);
  });
});

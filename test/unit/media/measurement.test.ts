import { describe, expect, it } from "vitest";
import { RollingMeter, StreamMeter } from "../../../src/media/measurement.ts";
import { isBidirectional } from "../../../src/media/slice.ts";
import { videoUnit } from "../../helpers/units.ts";

describe("StreamMeter", () => {
  it("measures rate, size and IDR spacing on the access units", () => {
    const meter = new StreamMeter();
    for (let i = 0; i < 121; i += 1) meter.add(videoUnit((i * 1000) / 30, i % 60 === 0, 1000));
    const measurement = meter.read();
    expect(measurement).toMatchObject({
      codec: "h264",
      pictures: 121,
      fps: 30,
      bFrames: false,
      slicesPerPicture: 1,
      idr: { count: 3, spacingMs: { min: 2000, mean: 2000, max: 2000 } },
      parameterSets: { variants: 1 },
    });
    expect(measurement.bitsPerSecond).toBeGreaterThan(230_000);
    expect(measurement.width).toBeGreaterThan(0);
  });

  it("gives no spacing for a stream with one IDR or none", () => {
    const meter = new StreamMeter();
    for (let i = 0; i < 30; i += 1) meter.add(videoUnit(i * 33));
    expect(meter.read().idr).toEqual({ count: 0, longestWaitMs: 957 });
  });

  it.each([
    ["before the first IDR", [4], 4000],
    ["after the last IDR", [0, 1], 5000],
    ["between two", [0, 4, 6], 4000],
  ])("takes the longest stretch without IDR, also %s", (_where, idrSeconds, longestWaitMs) => {
    const meter = new StreamMeter();
    for (let i = 0; i <= 60; i += 1) meter.add(videoUnit(i * 100, idrSeconds.includes(i / 10)));
    expect(meter.read().idr).toMatchObject({ count: idrSeconds.length, longestWaitMs });
  });

  it("counts an SPS that comes again once, and another one twice", () => {
    const meter = new StreamMeter();
    const other = videoUnit(66, true);
    const nalus = other.nalus.map((nalu, i) => (i === 0 ? Buffer.concat([nalu, Buffer.of(1)]) : nalu));
    for (const unit of [videoUnit(0, true), videoUnit(33, true), { ...other, nalus }]) meter.add(unit);
    expect(meter.read().parameterSets.variants).toBe(2);
  });

  it("measures the rate without pauses of the camera and stretches that were lost", () => {
    const meter = new StreamMeter();
    for (let i = 0; i < 300; i += 1) {
      const isMissing = (i > 100 && i < 190) || (i > 250 && i < 262);
      if (!isMissing) meter.add(videoUnit((i * 1000) / 30, i % 60 === 0));
    }
    expect(meter.read().fps).toBeCloseTo(30, 1);
  });

  it("reads an empty stream as nothing at all", () => {
    expect(new StreamMeter().read()).toMatchObject({ pictures: 0, fps: 0, bitsPerSecond: 0 });
  });
});

describe("RollingMeter", () => {
  const run = (meter: RollingMeter, seconds: number, from = 0): void => {
    for (let i = 0; i < seconds * 30; i += 1)
      meter.add(videoUnit(from * 1000 + (i * 1000) / 30, i % 60 === 0));
  };

  it("measures between 6 and 12 seconds of a stream that goes on", () => {
    const meter = new RollingMeter();
    for (let second = 0; second < 60; second += 1) {
      run(meter, 1, second);
      const { seconds } = meter.read();
      expect(seconds).toBeLessThanOrEqual(12.1);
      expect(seconds).toBeGreaterThan(Math.min(second, 5.9));
    }
  });

  it("forgets what is further back, and keeps no more than the pictures of that time", () => {
    const meter = new RollingMeter();
    for (let i = 0; i < 60; i += 1) meter.add(videoUnit(i * 33, true, 20_000));
    run(meter, 20, 2);
    const { fps, pictures, bitsPerSecond } = meter.read();
    expect(fps).toBeCloseTo(30, 0);
    expect(pictures).toBeLessThan(370);
    expect(bitsPerSecond).toBeLessThan(100_000);
  });

  it("begins anew when it is reset", () => {
    const meter = new RollingMeter();
    run(meter, 9);
    meter.reset();
    expect(meter.read().pictures).toBe(0);
    run(meter, 2, 9);
    expect(meter.read()).toMatchObject({ pictures: 60, fps: 30 });
  });
});

describe("isBidirectional", () => {
  it("knows a B slice by its slice type", () => {
    const slice = (type: number): Uint8Array => {
      const bits = `1${["1", "010", "011", "00100", "00101", "00110", "00111"][type] ?? ""}1000000000`.padEnd(
        24,
        "0",
      );
      return Buffer.from([0x01, ...(bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))]);
    };
    expect([0, 1, 2, 5, 6].map((type) => isBidirectional(slice(type)))).toEqual([
      false,
      true,
      false,
      false,
      true,
    ]);
  });

  it("calls garbage no B slice", () => {
    expect(isBidirectional(new Uint8Array(0))).toBe(false);
    expect(isBidirectional(new Uint8Array(20))).toBe(false);
  });
});

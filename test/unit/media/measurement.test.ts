import { describe, expect, it } from "vitest";
import { StreamMeter } from "../../../src/media/measurement.ts";
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
    expect(meter.read().idr).toEqual({ count: 0 });
  });

  it("reads an empty stream as nothing at all", () => {
    expect(new StreamMeter().read()).toMatchObject({ pictures: 0, fps: 0, bitsPerSecond: 0 });
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

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  parseCpuTimes,
  parseHex,
  parseLifeTime,
  parseMemory,
  parseNumber,
  parsePreEol,
  parsePressure,
  parseWireless,
} from "../../../src/boards/linux-files.ts";

const wireless = `Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   54.  -56.  -256        0      0      0      0      0        0
 wlan1: 0000   20.  -90.  -256        0      0      0      0      0        0
`;

describe("small files of the kernel", () => {
  it("are read as the kernel writes them", () => {
    expect(parseNumber("61700\n")).toBe(61_700);
    expect(parseHex("50005\n")).toBe(0x5_0005);
    expect(parseHex("0x01\n")).toBe(1);
    expect(parseCpuTimes("cpu  100 0 50 800 50 0 0 0 10 0\ncpu0 1 2\n")).toEqual({ idle: 850, total: 1000 });
    expect(parseMemory("MemTotal:        4000000 kB\nMemFree: 1 kB\nMemAvailable:    1000000 kB\n")).toEqual({
      share: 0.25,
      bytes: 1_024_000_000,
    });
    expect(
      parsePressure(
        "some avg10=0.10 avg60=12.34 avg300=0.00 total=1\nfull avg10=0.00 avg60=1.00 avg300=0.00 total=1\n",
      ),
    ).toBe(12.34);
    expect(parseWireless(wireless)).toEqual({ device: "wlan0", dbm: -56 });
    expect(parseLifeTime("0x01 0x02\n")).toBe(10);
    expect(parseLifeTime("0x0b 0x01\n")).toBe(100);
    expect(parsePreEol("0x02\n")).toBe(2);
  });

  it.each([
    ["a temperature", parseNumber, ["", "N/A", "1e5", "0x10", "12 34", "9".repeat(20), "NaN", "-"]],
    ["a flag word", parseHex, ["", "xyz", "0x", "123456789", "-1"]],
    ["/proc/stat", parseCpuTimes, ["", "cpu", "cpu 1 2", "cpu a b c d e f g h", "cpu0 1 2 3 4 5 6 7 8"]],
    [
      "/proc/meminfo",
      parseMemory,
      ["", "MemTotal: 0 kB\nMemAvailable: 0 kB", "MemTotal: 1 kB\nMemAvailable: 2 kB"],
    ],
    ["pressure", parsePressure, ["", "some avg10=a", "some avg10=0.00 avg60=999.00 avg300=0.00 total=1"]],
    // A level above 0 has no unit; -256 is no network.
    ["wireless", parseWireless, ["", " wlan0: 0000 70. 41. 0 0\n", " wlan0: 0000 0. -256. -256 0\n"]],
    ["a life time", parseLifeTime, ["", "0x00 0x00", "0x0c 0x01", "0x01 0x01 0x01", "new"]],
    ["spare blocks", parsePreEol, ["", "0x00", "0x04"]],
  ] as const)("that are nonsense give nothing: %s", (_, parse, texts) => {
    for (const text of texts) expect(parse(text), text).toBeUndefined();
  });

  it("never throw", () => {
    const parsers = [
      parseNumber,
      parseHex,
      parseCpuTimes,
      parseMemory,
      parsePressure,
      parseWireless,
      parseLifeTime,
    ];
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
        for (const parse of [...parsers, parsePreEol]) parse(text);
      }),
    );
  });
});

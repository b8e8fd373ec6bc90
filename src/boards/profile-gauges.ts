import type { HealthReading } from "../domain/board.ts";
import { nowUs } from "../lib/clock.ts";
import { absent, measureFile } from "./gauge.ts";
import type { Gauge, Measure } from "./gauge.ts";
import type { Limits } from "./health-level.ts";
import { parseHex, parseNumber } from "./linux-files.ts";
import type { Root } from "./root.ts";

const remedies: Readonly<Record<HealthReading["kind"], string>> = {
  temperature:
    "Give the board air or a heat sink, and keep it out of the sun. A transcode is made smaller by itself.",
  throttling: "The board has slowed itself down. Look at its cooling and its power supply.",
  undervoltage:
    "The supply is too weak, or its cable too thin: use one with more current. The board may stop at any moment.",
  "power-mode": "",
};

/** One gauge for each reading of a hardware profile. */
export function profileGauges(root: Root, readings: readonly HealthReading[], now = nowUs): readonly Gauge[] {
  return readings.map((reading) => {
    const read = readerOf(reading, now);
    const find = locate(root, reading.where);
    const limits = limitsOf(reading);
    return {
      name: reading.name,
      kind: reading.kind,
      ...(limits && { limits }),
      advice: `${remedies[reading.kind]} (${reading.meaning})`,
      async read() {
        const path = await find();
        return path === undefined ? absent : await measureFile(root, path, read);
      },
    };
  });
}

/** Degrees that a temperature must fall below its limit, and the share of a limit for other units. */
const hysteresisDegrees = 3;
const hysteresisShare = 0.01;

function limitsOf(reading: HealthReading): Limits | undefined {
  const { kind, format, mask, warn, critical } = reading;
  if (format === "text") return undefined;
  // A flag: 1 has been set since power-on, 2 is set now.
  if (format === "hex" || mask !== undefined)
    return { bad: "above", warn: 1, ...(kind === "undervoltage" && { critical: 2 }), hysteresis: 0 };
  if (format === "counter")
    return { bad: "above", warn: warn ?? 1, ...(critical !== undefined && { critical }), hysteresis: 0 };
  const isBelow = critical !== undefined && warn !== undefined ? critical < warn : kind === "undervoltage";
  const hysteresis = kind === "temperature" ? hysteresisDegrees : hysteresisShare * Math.abs(warn ?? 0);
  return {
    bad: isBelow ? "below" : "above",
    ...(warn !== undefined && { warn }),
    ...(critical !== undefined && { critical }),
    hysteresis,
  };
}

function readerOf(reading: HealthReading, now: () => number): (text: string) => Measure | undefined {
  const { format, mask, scale, unit, kind } = reading;
  if (format === "text") return readText;
  if (format === "hex" || mask !== undefined) return (text) => readFlags(text, format, mask);
  if (format === "counter") return createRiseReader(now);
  return (text) => {
    const value = (parseNumber(text) ?? Number.NaN) * scale;
    const isPossible = kind === "temperature" ? value > -60 && value < 200 : Number.isFinite(value);
    if (!isPossible) return undefined;
    const digits = kind === "temperature" ? 0 : 2;
    return { kind: "value", value, shown: `${value.toFixed(digits)} ${unit}`.trim() };
  };
}

const longestText = 60;

function readText(text: string): Measure | undefined {
  const [line = ""] = text.trim().split("\n", 1);
  const shown = line.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, longestText);
  return shown === "" ? undefined : { kind: "text", shown };
}

/** In the firmware's word of a Raspberry Pi the upper half remembers what the lower half has said since power-on. */
const nowBits = 0xffff;

function readFlags(text: string, format: HealthReading["format"], mask = 0xffff_ffff): Measure | undefined {
  const word = format === "hex" ? parseHex(text) : parseNumber(text);
  if (word === undefined || !Number.isInteger(word) || word < 0 || word > 0xffff_ffff) return undefined;
  const set = (word & mask) >>> 0;
  const isNow = (format === "hex" ? set & nowBits : set) !== 0;
  const value = isNow ? 2 : set === 0 ? 0 : 1;
  return { kind: "value", value, isNow, shown: ["no", "not now, but since power-on", "yes"][value] ?? "" };
}

const windowUs = 60_000_000;

/** Rises of a counter within the last minute; a counter that falls has begun anew. */
function createRiseReader(now: () => number): (text: string) => Measure | undefined {
  let last: number | undefined;
  let rises: { readonly atUs: number; readonly count: number }[] = [];
  return (text) => {
    const count = parseNumber(text);
    if (count === undefined || !Number.isSafeInteger(count) || count < 0) return undefined;
    const atUs = now();
    if (last !== undefined && count > last) rises.push({ atUs, count: count - last });
    last = count;
    rises = rises.filter((rise) => atUs - rise.atUs < windowUs);
    const value = rises.reduce((sum, { count }) => sum + count, 0);
    return { kind: "value", value, shown: `${value} within the last minute` };
  };
}

/** Finds the file of a reading; what was found is looked for again only when it is gone. */
function locate(root: Root, where: HealthReading["where"]): () => Promise<string | undefined> {
  let known: string | undefined;
  return async () => {
    if (known !== undefined && (await root.stamp(known)) !== undefined) return known;
    known = await search(root, where);
    return known;
  };
}

async function search(root: Root, where: HealthReading["where"]): Promise<string | undefined> {
  if ("path" in where) return (await root.expand(where.path))[0];
  const [pattern, wanted] =
    "hwmon" in where
      ? ["/sys/class/hwmon/hwmon*/name", where.hwmon]
      : ["/sys/class/thermal/thermal_zone*/type", where.thermalZone];
  for (const path of await root.expand(pattern)) {
    if ((await root.text(path))?.trim() !== wanted) continue;
    const folder = path.replace(/\/[^/]*$/, "");
    const [found] = "hwmon" in where ? await root.expand(`${folder}/${where.file}`) : [`${folder}/temp`];
    if (found !== undefined) return found;
  }
  return undefined;
}

import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { absent, measureFile, unreadable } from "./gauge.ts";
import type { Gauge, Measure } from "./gauge.ts";
import {
  parseCpuTimes,
  parseLifeTime,
  parseMemory,
  parsePreEol,
  parsePressure,
  parseWireless,
} from "./linux-files.ts";
import type { CpuTimes } from "./linux-files.ts";
import { readClock } from "./clock-state.ts";
import type { Root } from "./root.ts";

/** Bytes that may still be written to the file system of a folder; undefined where that is not told. */
export type FreeSpace = (folder: string) => Promise<number | undefined>;

/** Everything that any Linux may tell. The thresholds are ours. */
export function systemGauges(
  root: Root,
  stateDirectory: string,
  freeSpace: FreeSpace = readFreeSpace,
): readonly Gauge[] {
  return [
    cpuGauge(root),
    memoryGauge(root),
    pressureGauge(root, "cpu", "processor pressure", 60, 90),
    pressureGauge(root, "memory", "memory pressure", 10, 40),
    pressureGauge(root, "io", "disk pressure", 40, 80),
    diskGauge(root, stateDirectory, freeSpace),
    wearGauge(root),
    wifiGauge(root),
    clockGauge(root),
  ];
}

const percent = (share: number): number => Math.round(share * 1000) / 10;
const valueOf = (value: number, shown: string): Measure => ({ kind: "value", value, shown });

/** The share of the time between two looks; nothing at the first. */
function cpuGauge(root: Root): Gauge {
  let before: CpuTimes | undefined;
  return {
    name: "processor use",
    kind: "cpu",
    limits: { bad: "above", warn: 90, critical: 98, hysteresis: 5 },
    advice: "There is little time left for the picture. End what else runs on the board.",
    async read() {
      const text = await root.text("/proc/stat");
      if (text === undefined) return absent;
      const times = parseCpuTimes(text);
      if (times === undefined) return unreadable;
      const [last, total] = [before, times.total - (before?.total ?? times.total)];
      before = times;
      if (last === undefined || total <= 0) return absent;
      const use = percent(Math.min(1, Math.max(0, 1 - (times.idle - last.idle) / total)));
      return valueOf(use, `${use.toFixed(0)} %`);
    },
  };
}

function memoryGauge(root: Root): Gauge {
  return {
    name: "memory",
    kind: "memory",
    limits: { bad: "below", warn: 15, critical: 5, hysteresis: 3 },
    advice: "The board runs out of memory and will end programs. End what else runs on it.",
    read: () =>
      measureFile(root, "/proc/meminfo", (text) => {
        const memory = parseMemory(text);
        if (memory === undefined) return undefined;
        const share = percent(memory.share);
        return valueOf(share, `${Math.round(memory.bytes / 1e6)} MB (${share.toFixed(0)} %) available`);
      }),
  };
}

function pressureGauge(
  root: Root,
  file: "cpu" | "memory" | "io",
  name: string,
  warn: number,
  critical: number,
): Gauge {
  return {
    name,
    kind: "pressure",
    limits: { bad: "above", warn, critical, hysteresis: 5 },
    advice: "Programs had to wait for it for much of the last minute. End what else runs on the board.",
    read: () =>
      measureFile(root, `/proc/pressure/${file}`, (text) => {
        const share = parsePressure(text);
        return share === undefined ? undefined : valueOf(share, `${share.toFixed(0)} % of the last minute`);
      }),
  };
}

function diskGauge(root: Root, stateDirectory: string, freeSpace: FreeSpace): Gauge {
  return {
    name: "state disk",
    kind: "disk",
    limits: { bad: "below", warn: 256, critical: 32, hysteresis: 16 },
    advice: `There is hardly any room left for ${stateDirectory}: settings and logins can no longer be kept.`,
    async read() {
      const bytes = await freeSpace(join(root.directory, stateDirectory));
      if (bytes === undefined) return absent;
      const megabytes = Math.floor(bytes / 1e6);
      return valueOf(megabytes, `${megabytes} MB free`);
    },
  };
}

/** `bavail` is without what is kept for root (statvfs(3)). */
export async function readFreeSpace(folder: string): Promise<number | undefined> {
  const found = await statfs(folder).catch(() => undefined);
  return found === undefined ? undefined : found.bavail * found.bsize;
}

/** Only eMMC tells these two; SD cards have nothing of the kind. */
function wearGauge(root: Root): Gauge {
  return {
    name: "flash wear",
    kind: "wear",
    limits: { bad: "above", warn: 80, critical: 100, hysteresis: 0 },
    advice: "The flash memory nears the end of its life. Replace it before it becomes read-only.",
    async read() {
      const [lives, endings] = await Promise.all([
        measureAll(root, "life_time", parseLifeTime),
        // Most spare blocks gone counts like 80 % of a life, nearly all gone like 100 %.
        measureAll(root, "pre_eol_info", (text) => [undefined, 0, 80, 100][parsePreEol(text) ?? 0]),
      ]);
      if (lives.length + endings.length === 0) return absent;
      const values = [...lives, ...endings].filter((value) => value !== undefined);
      if (values.length === 0) return unreadable;
      const value = Math.max(...values);
      return valueOf(value, `at least ${value} % of its life is over`);
    },
  };
}

async function measureAll(
  root: Root,
  file: string,
  parse: (text: string) => number | undefined,
): Promise<readonly (number | undefined)[]> {
  const paths = await root.expand(`/sys/block/mmcblk*/device/${file}`);
  return Promise.all(paths.map(async (path) => parse((await root.text(path)) ?? "")));
}

function wifiGauge(root: Root): Gauge {
  return {
    name: "WiFi signal",
    kind: "wifi",
    limits: { bad: "below", warn: -75, critical: -85, hysteresis: 3 },
    advice: "The WiFi is hardly heard. Bring the access point nearer, or use an antenna outside the robot.",
    async read() {
      const text = await root.text("/proc/net/wireless");
      const best = text === undefined ? undefined : parseWireless(text);
      return best === undefined ? absent : valueOf(best.dbm, `${best.device} ${best.dbm} dBm`);
    },
  };
}

function clockGauge(root: Root): Gauge {
  return {
    name: "clock",
    kind: "clock",
    limits: { bad: "below", warn: 0, hysteresis: 0 },
    advice:
      "No time server has set the clock: certificates may be refused. Let the board reach the internet.",
    async read() {
      const clock = await readClock(root);
      if (clock === undefined) return absent;
      return valueOf(clock ? 1 : 0, clock ? "synchronised" : "not synchronised");
    },
  };
}

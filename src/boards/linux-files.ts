/** Parsers of small files of the kernel. All are total: nonsense gives undefined. */

/** A decimal number alone on its line, as in sysfs. */
export function parseNumber(text: string): number | undefined {
  const word = text.trim();
  return /^-?\d{1,15}(\.\d{1,9})?$/.test(word) ? Number(word) : undefined;
}

/** Up to 32 bits in hexadecimal, with or without `0x`. */
export function parseHex(text: string): number | undefined {
  const word = text.trim();
  return /^(0x)?[0-9a-f]{1,8}$/i.test(word) ? Number.parseInt(word, 16) : undefined;
}

/** Jiffies since power-on. */
export interface CpuTimes {
  readonly idle: number;
  readonly total: number;
}

/** The first line of /proc/stat (proc_stat(5)): waiting for a disk is idle; guests are in `user` already. */
export function parseCpuTimes(stat: string): CpuTimes | undefined {
  const [name, ...words] = (stat.split("\n", 1)[0] ?? "").trim().split(/\s+/);
  const counts = words.slice(0, 8).map((word) => (/^\d{1,15}$/.test(word) ? Number(word) : Number.NaN));
  const [idle = Number.NaN, wait = 0] = [counts[3], counts[4]];
  const total = counts.reduce((sum, count) => sum + count, 0);
  return name === "cpu" && Number.isFinite(total + idle) ? { idle: idle + wait, total } : undefined;
}

/** Share of the memory that is available, 0 to 1, and how much it is in bytes: /proc/meminfo (proc_meminfo(5)). */
export function parseMemory(meminfo: string): { readonly share: number; readonly bytes: number } | undefined {
  const kilobytes = (key: string): number =>
    Number(new RegExp(`^${key}: +(\\d{1,12}) kB$`, "m").exec(meminfo)?.[1] ?? Number.NaN);
  const [total, available] = [kilobytes("MemTotal"), kilobytes("MemAvailable")];
  if (!(total > 0) || !(available <= total)) return undefined;
  return { share: available / total, bytes: available * 1024 };
}

/** Percent of the last minute in which somebody waited for it: /proc/pressure (kernel documentation, accounting/psi). */
export function parsePressure(pressure: string): number | undefined {
  const found = /^some avg10=\d{1,3}\.\d\d avg60=(\d{1,3}\.\d\d) /m.exec(pressure)?.[1];
  return found !== undefined && Number(found) <= 100 ? Number(found) : undefined;
}

/** Signal of the wireless device that hears best, dBm: /proc/net/wireless (proc_net(5)). */
export function parseWireless(
  wireless: string,
): { readonly device: string; readonly dbm: number } | undefined {
  const devices = wireless.split("\n").flatMap((line) => {
    const [, device = "", level = ""] =
      /^ *([\w.-]{1,15}): +[0-9a-f]{4} +\d+\.? +(-?\d{1,3})\.? /.exec(line) ?? [];
    const dbm = Number(level);
    // Above 0 it is a share of something that only the driver knows; -256 is a device without a network.
    return level !== "" && dbm < 0 && dbm > -120 ? [{ device, dbm }] : [];
  });
  return devices.toSorted((a, b) => b.dbm - a.dbm)[0];
}

/**
 * Percent of its life that a flash memory has behind it, at least, from `life_time` (JEDEC JESD84-B51, EXT_CSD 268 and
 * 269: each step is 10 %, 0x0B beyond its life, 0x00 not told). The worse of the two kinds of cells counts.
 */
export function parseLifeTime(lifeTime: string): number | undefined {
  const words = lifeTime.trim().split(/\s+/).map(parseHex);
  const steps = Math.max(...words.map((word) => word ?? 0));
  return words.length <= 2 && words.every((word) => word !== undefined) && steps >= 1 && steps <= 0x0b
    ? (steps - 1) * 10
    : undefined;
}

/** `pre_eol_info`, the same way: 1 all well, 2 most spare blocks are used, 3 nearly all (EXT_CSD 267). */
export function parsePreEol(preEol: string): 1 | 2 | 3 | undefined {
  const word = parseHex(preEol);
  return word === 1 || word === 2 || word === 3 ? word : undefined;
}

import type { LinkState, Path, Phase } from "../domain/status.ts";
import type { Verdict } from "../domain/verdict.ts";

/** `00:12:31`; hours go on past 99. */
export function clockOf(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/** `4.2 Mbit/s`, `850 kbit/s`. */
export function rateOf(bitsPerSecond: number): string {
  if (bitsPerSecond >= 999_500) return `${(bitsPerSecond / 1_000_000).toFixed(1)} Mbit/s`;
  return `${Math.round(bitsPerSecond / 1000)} kbit/s`;
}

/** `1.2 GB`. */
export function bytesOf(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ""}`;
}

/** `12 s`, `3 min`, `2 h`. */
export function spanOf(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** The time of day here, for people. */
export const timeOf = (unixMs: number): string =>
  new Date(unixMs).toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });

export const phaseWords: Readonly<Record<Phase, string>> = {
  idle: "IDLE",
  starting: "STARTING",
  live: "LIVE",
  holding: "HOLDING",
  retrying: "RETRYING",
  stopping: "STOPPING",
};

export const linkWords: Readonly<Record<LinkState, string>> = {
  idle: "stopped",
  connecting: "connecting",
  running: "running",
  waiting: "waiting",
  failed: "failed",
};

export const pathWords: Readonly<Record<Path, string>> = {
  copy: "Passed on untouched",
  transcode: "Encoded anew",
};

/** What the verdict means, in one sentence. */
export function verdictWords({ kind, destination }: Verdict): string {
  const whose = capital(destination);
  switch (kind) {
    case "copy":
      return `${whose} takes the camera's picture as it is.`;
    case "ask-camera":
      return `${whose} takes it once the camera has changed something.`;
    case "transcode":
      return `${whose} takes it only encoded anew.`;
  }
}

/** The last name of a key as a label: `spot.tls.caFile` is `Ca file`. */
export function labelOf(path: string): string {
  const words = path
    .slice(path.lastIndexOf(".") + 1)
    .replaceAll(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);
  return capital(words);
}

/** The same with a large letter first. */
export const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

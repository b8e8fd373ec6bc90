import type { LinkStatus, Status } from "../domain/status.ts";
import type { HealthItem, HealthKind } from "../domain/health.ts";
import type { BootMarks } from "../domain/boot.ts";
import { marksText } from "./boot-marks.ts";
import type { RunProgress } from "./boot-marks.ts";

/** What one part of the report says: what, and how it is. */
export type ReportLine = readonly [what: string, how: string];

export interface Boot {
  /** Tells power-ons apart; hexadecimal digits and hyphens. */
  readonly id: string;
  /** Milliseconds since 1970; undefined while the clock is not set. */
  readonly poweredOnAt: number | undefined;
  /** Seconds since power-on. */
  readonly uptime: number;
  readonly facts: readonly ReportLine[];
  readonly marks: BootMarks;
  /** What the service does; undefined while it has not started. */
  readonly line: { readonly status: Status; readonly progress: RunProgress } | undefined;
}

/** Power-ons that are kept, this one included. */
const mostBoots = 5;
const longestSection = 6000;
const longestText = 400;

const title = "spotlive boot report: what happened at the last power-ons, the newest first.";
const sectionHead = "=== Power-on ";

/** Said where they are well too, as they are the usual reasons why a device without a screen does not stream. */
const kindsShown: readonly HealthKind[] = [
  "undervoltage",
  "throttling",
  "temperature",
  "disk",
  "wear",
  "wifi",
  "clock",
];

/**
 * The whole text of the file: this power-on, then those of `before` that are others. `mask` takes secrets out of a
 * text. Total, and bounded in size.
 */
export function bootReport(boot: Boot, before: string, mask: (text: string) => string): string {
  const others = before
    .replaceAll("\r\n", "\n")
    .split(`\n${sectionHead}`)
    .slice(1)
    .map((section) => `${sectionHead}${section.trimEnd()}`)
    .filter((section) => !section.split("\n")[0]?.includes(`(${shortId(boot)})`));
  const sections = [bootSection(boot, mask), ...others].slice(0, mostBoots);
  const text = [title, ...sections.map((section) => section.slice(0, longestSection))].join("\n\n");
  // The editors of old laptops want both.
  return mask(`${text}\n`).replaceAll("\n", "\r\n");
}

function bootSection(boot: Boot, mask: (text: string) => string): string {
  const { line, marks, facts, uptime } = boot;
  const lines: readonly ReportLine[] = [
    ["Looked at", `${seconds(uptime)} after power-on`],
    ["Boot marks", marksText(marks)],
    ...(line === undefined ? [["spotlive", "not started yet"] as const, ...facts] : []),
    ...(line === undefined ? [] : lineSection(line.status, line.progress, marks, facts)),
  ];
  const when =
    boot.poweredOnAt === undefined
      ? "at an unknown time, as the clock is not set"
      : new Date(boot.poweredOnAt).toISOString().replace(/T(\d\d:\d\d).*/, " $1 UTC");
  return [
    `${sectionHead}${when} (${shortId(boot)}) ===`,
    ...lines.map(([what, how]) => oneLine(mask(`${what}: ${how}`))),
  ].join("\n");
}

function lineSection(
  status: Status,
  { started, ingests }: RunProgress,
  marks: BootMarks,
  facts: readonly ReportLine[],
): readonly ReportLine[] {
  const packet = marks["first-packet"];
  return [
    ["Now", `${status.phase}: ${status.reason}`],
    ["spotlive started", `after ${seconds(started)}`],
    ...facts,
    ...healthLines(status.health?.items ?? []),
    ["Robot", linkText(status.source, marks.robot, "connected")],
    ["First packet of the picture", packet === undefined ? "NOT YET" : `after ${seconds(packet)}`],
    ...status.outputs.map((output): ReportLine => [
      `Ingest ${output.name}`,
      linkText(output, ingests[output.name], "accepted"),
    ]),
    ...status.notices.slice(-5).map((text): ReportLine => ["Notice", text]),
  ];
}

/** A line is a line, whatever stands in a message; it comes masked, as half a secret would not be known any more. */
const oneLine = (text: string): string =>
  text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").slice(0, longestText);

const shortId = ({ id }: Boot): string => id.replaceAll(/[^\da-f]/g, "").slice(0, 8) || "unknown";

const seconds = (value: number): string => `${value.toFixed(1)} s`;

function healthLines(items: readonly HealthItem[]): readonly ReportLine[] {
  return items
    .filter(({ kind, level }) => level !== "unknown" && (kindsShown.includes(kind) || level !== "ok"))
    .map(({ name, level, shown, advice }) => {
      const isBad = level === "warning" || level === "critical";
      const what = name.slice(0, 1).toUpperCase() + name.slice(1);
      return [what, isBad ? `${level.toUpperCase()}: ${shown}. ${advice}` : shown];
    });
}

function linkText(link: LinkStatus, first: number | undefined, word: string): string {
  const reached = first === undefined ? `NEVER ${word} yet` : `first ${word} after ${seconds(first)}`;
  return `${link.state}, ${reached}${link.fault === undefined ? "" : `. ${link.fault.message}`}`;
}

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { toFault } from "../domain/fault.ts";
import type { Report, Status, Subscribe } from "../domain/status.ts";
import { createBootMarker, stageOf } from "./boot-marks.ts";
import type { RunProgress } from "./boot-marks.ts";
import { bootReport } from "./boot-report.ts";
import type { ReportLine } from "./boot-report.ts";
import { readPlainFile } from "./boot-text.ts";
import { replaceFile } from "./disk.ts";
import type { Disk } from "./disk.ts";

export interface BootReportOptions {
  /** Where it is kept. */
  readonly folder: string;
  /** Where an earlier one may lie besides. */
  readonly earlier?: string;
  /** Tells power-ons apart. */
  readonly bootId: string;
  readonly facts: () => Promise<readonly ReportLine[]>;
  /** Seconds since power-on. */
  readonly uptime: () => number;
  /** Milliseconds since 1970; undefined while the clock is not set. */
  readonly now: () => number | undefined;
  /** Takes secrets out of a text. */
  readonly mask: (text: string) => string;
  readonly status: () => Status;
  readonly subscribe: Subscribe;
  readonly report: Report;
  readonly disk: Disk;
  /** Milliseconds between two looks; 5000 where absent. */
  readonly everyMs?: number;
}

export const reportName = "boot-report.txt";
const usualEveryMs = 5000;
const largestReport = 65_536;

/** A robot that comes and goes all night must not wear the card out: after so many writes there is one in ten minutes. */
const promptWrites = 60;
const latePauseMs = 600_000;

/**
 * Reports what is reached for the first time since power-on, and keeps `boot-report.txt` as the device is, at each change
 * of stage, until aborted. Never rejects: a card that is full or read-only is told once.
 */
export async function keepBootReport(options: BootReportOptions, signal: AbortSignal): Promise<void> {
  const { everyMs = usualEveryMs } = options;
  const marker = createBootMarker(options.uptime, options.report);
  options.subscribe(marker.listen, signal);
  let written: string | undefined;
  let writes = 0;
  let told = "";
  while (!signal.aborted) {
    try {
      const facts = await options.facts();
      const [status, progress] = [options.status(), marker.progress()];
      const stage = stageOf(status, progress, facts);
      if (stage !== written) {
        await write(options, { status, progress }, facts);
        written = stage;
        writes += 1;
      }
    } catch (error) {
      const text = `${reportName} cannot be written: ${toFault(error).message}`;
      if (text !== told) options.report({ type: "notice", part: "boot-report", severity: "warning", text });
      told = text;
    }
    await sleep(writes < promptWrites ? everyMs : latePauseMs, undefined, { signal }).catch(() => {});
  }
}

async function write(
  options: BootReportOptions,
  line: { readonly status: Status; readonly progress: RunProgress },
  facts: readonly ReportLine[],
): Promise<void> {
  const { folder, earlier, disk, mask, bootId: id } = options;
  const [uptime, now] = [options.uptime(), options.now()];
  const poweredOnAt = now === undefined ? undefined : now - uptime * 1000;
  const before = await readReport(folder, earlier);
  const boot = { id, poweredOnAt, uptime, facts, marks: line.status.boot ?? {}, line };
  await replaceFile(disk, folder, reportName, bootReport(boot, before, mask), 0o600);
}

/** The text of the report in the first folder that has one. One that is damaged, or no plain file, counts as none. */
export async function readReport(...folders: readonly (string | undefined)[]): Promise<string> {
  for (const folder of folders) {
    if (folder === undefined) continue;
    const bytes = await readPlainFile(join(folder, reportName), largestReport).catch(() => undefined);
    if (bytes !== undefined) return bytes.toString("utf8");
  }
  return "";
}

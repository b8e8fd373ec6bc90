import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { toFault } from "../domain/fault.ts";
import type { Report, Status, Subscribe } from "../domain/status.ts";
import { createBootMarker, stageOf } from "./boot-marks.ts";
import { bootReport } from "./boot-report.ts";
import type { ReportLine } from "./boot-report.ts";
import { readPlainFile } from "./boot-text.ts";
import { replaceFile } from "./disk.ts";
import type { Disk } from "./disk.ts";

export interface BootReportOptions {
  /** Folder of the boot partition. */
  readonly folder: string;
  readonly bootId: () => Promise<string>;
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

const fileName = "boot-report.txt";
const usualEveryMs = 5000;
const largestReport = 65_536;

/** A robot that comes and goes all night must not wear the card out: after so many writes there is one in ten minutes. */
const promptWrites = 60;
const latePauseMs = 600_000;

/**
 * Keeps `boot-report.txt` as the device is, at each change of stage, until aborted. Never rejects: a card that is full
 * or read-only is told once.
 */
export async function keepBootReport(options: BootReportOptions, signal: AbortSignal): Promise<void> {
  const { everyMs = usualEveryMs } = options;
  const marker = createBootMarker(options.uptime);
  options.subscribe(marker.listen, signal);
  let written: string | undefined;
  let writes = 0;
  let told = "";
  while (!signal.aborted) {
    try {
      const facts = await options.facts();
      const [status, marks] = [options.status(), marker.marks()];
      const stage = stageOf(status, marks, facts);
      if (stage !== written) {
        await write(options, { status, marks, facts });
        written = stage;
        writes += 1;
      }
    } catch (error) {
      const text = `${fileName} cannot be written: ${toFault(error).message}`;
      if (text !== told) options.report({ type: "notice", part: "boot-report", severity: "warning", text });
      told = text;
    }
    await sleep(writes < promptWrites ? everyMs : latePauseMs, undefined, { signal }).catch(() => {});
  }
}

async function write(
  options: BootReportOptions,
  found: Pick<Parameters<typeof bootReport>[0], "status" | "marks" | "facts">,
): Promise<void> {
  const { folder, disk, mask } = options;
  const [uptime, now, id] = [options.uptime(), options.now(), await options.bootId()];
  const poweredOnAt = now === undefined ? undefined : now - uptime * 1000;
  // One that is damaged, or no plain file, is written anew.
  const before = await readPlainFile(join(folder, fileName), largestReport).catch(() => undefined);
  const text = bootReport({ id, poweredOnAt, uptime, ...found }, before?.toString("utf8") ?? "", mask);
  await replaceFile(disk, folder, fileName, text, 0o600);
}

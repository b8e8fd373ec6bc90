import { uptime } from "node:os";
import { readBootFacts } from "./boards/boot-facts.ts";
import { openRoot } from "./boards/root.ts";
import { realDisk } from "./device/disk.ts";
import { keepBootReport } from "./device/report-writer.ts";
import type { Report, Status, Subscribe } from "./domain/status.ts";
import type { Mask } from "./lib/log.ts";
import { earliestTime } from "./supervisor/wall-clock.ts";

interface ReportContext {
  readonly status: () => Status;
  readonly subscribe: Subscribe;
  readonly report: Report;
  readonly mask: Mask;
}

/** The part that keeps the boot report in `folder`: what the board tells, and what the line does. */
export function bootReportOf(
  folder: string,
  { mask, ...context }: ReportContext,
): (signal: AbortSignal) => Promise<void> {
  const root = openRoot();
  return (signal) =>
    keepBootReport(
      {
        folder,
        bootId: async () => (await root.text("/proc/sys/kernel/random/boot_id")) ?? "",
        facts: () => readBootFacts(root),
        uptime,
        now: () => (Date.now() < earliestTime ? undefined : Date.now()),
        mask: mask.apply,
        disk: realDisk,
        ...context,
      },
      signal,
    );
}

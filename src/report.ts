import { uptime } from "node:os";
import { join } from "node:path";
import { readBootFacts } from "./boards/boot-facts.ts";
import type { ReportLine } from "./boards/boot-facts.ts";
import { openRoot } from "./boards/root.ts";
import type { Root } from "./boards/root.ts";
import { realMounts } from "./device/boot-partition.ts";
import { realDisk } from "./device/disk.ts";
import { readEarlyRecord, readEnds } from "./device/early-record.ts";
import { readFileSystemChecks } from "./device/file-system-check.ts";
import { keepMarks } from "./device/marks-file.ts";
import { takeOver } from "./device/power-on.ts";
import type { PowerOn, PowerOnOptions } from "./device/power-on.ts";
import { thisKernel } from "./device/put-system.ts";
import { keepBootReport } from "./device/report-writer.ts";
import { findUser } from "./device/service-user.ts";
import { Fault } from "./domain/fault.ts";
import type { Report, Status, Subscribe } from "./domain/status.ts";
import type { Mask } from "./lib/log.ts";
import { earliestTime } from "./supervisor/wall-clock.ts";

/** Where those who are root keep until power-off what belongs into the boot report. */
export const earlyFolder = "/run/spotlive-boot";

interface ReportContext {
  /** Where the report is kept. */
  readonly folder: string;
  /** Where the marks are kept; undefined: nowhere. */
  readonly runtimeDirectory: string | undefined;
  readonly status: () => Status;
  readonly subscribe: Subscribe;
  readonly report: Report;
  readonly mask: Mask;
}

/** What tells this power-on from others. */
export const readBootId = async (root: Root): Promise<string> =>
  ((await root.text("/proc/sys/kernel/random/boot_id")) ?? "").trim();

/** Milliseconds since 1970; undefined while the clock is not set. */
export const timeOfDay = (): number | undefined => (Date.now() < earliestTime ? undefined : Date.now());

/** Everything that has to be done at power-on, on this machine. */
export async function adoptAtPowerOn(
  options: Pick<PowerOnOptions, "boot" | "data" | "backend" | "system" | "record"> & {
    readonly userName: string | undefined;
  },
): Promise<PowerOn> {
  const { userName, ...common } = options;
  const root = openRoot();
  const user = userName === undefined ? undefined : await findUser(root.directory, userName);
  if (userName !== undefined && user === undefined)
    throw new Fault(
      "config-invalid",
      `--user: expected a user of this machine, got ${JSON.stringify(userName)}`,
    );
  return takeOver({
    ...{ ...common, user, disk: realDisk, mounts: realMounts, kernel: thisKernel },
    ...{ bootId: await readBootId(root), uptime, now: timeOfDay },
    facts: async () => [...(await readFileSystemChecks(earlyFolder)), ...(await readBootFacts(root))],
  });
}

/** The part that keeps boot marks and boot report: what the board tells, and what the line does. */
export function bootReportOf(context: ReportContext): (signal: AbortSignal) => Promise<void> {
  const { folder, runtimeDirectory, mask, ...common } = context;
  const root = openRoot();
  return async (signal) => {
    const bootId = await readBootId(root);
    const early = await readEarlyRecord(earlyFolder, bootId);
    const facts = async (): Promise<readonly ReportLine[]> => {
      const [ends, now] = await Promise.all([readEnds(earlyFolder), readBootFacts(root)]);
      return [...ends, ...joinFacts(early?.lines ?? [], now)];
    };
    const path = runtimeDirectory === undefined ? undefined : join(runtimeDirectory, "boot.json");
    const earlier = { kernel: 0, ...(early && { adopted: early.adopted }) };
    await Promise.all([
      keepMarks({ ...common, path, bootId, earlier }, signal),
      keepBootReport(
        {
          ...{ ...common, folder, earlier: earlyFolder, bootId, facts, uptime, disk: realDisk },
          ...{ now: timeOfDay, mask: mask.apply },
        },
        signal,
      ),
    ]);
  };
}

/** Links and the like as they are now; the card as root saw it, where root looked. */
function joinFacts(early: readonly ReportLine[], now: readonly ReportLine[]): readonly ReportLine[] {
  const once = ["Card", "Boot file", "Warning", "File system check"];
  const kept = early.filter(([what]) => once.includes(what));
  return [...kept, ...now.filter(([what]) => what !== "Card" || !kept.some(([other]) => other === "Card"))];
}

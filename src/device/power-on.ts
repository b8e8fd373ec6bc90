import { join } from "node:path";
import { Fault, toFault } from "../domain/fault.ts";
import { adoptBootFile } from "./adopt.ts";
import type { Adoption, AdoptOptions } from "./adopt.ts";
import { tenths } from "./boot-marks.ts";
import { openBootPartition } from "./boot-partition.ts";
import type { Mounts } from "./boot-partition.ts";
import { bootReport } from "./boot-report.ts";
import type { ReportLine } from "./boot-report.ts";
import { replaceFile } from "./disk.ts";
import type { Disk } from "./disk.ts";
import { writeEarlyRecord } from "./early-record.ts";
import { readCurrent } from "./generation.ts";
import { putSystem } from "./put-system.ts";
import type { RunningKernel } from "./put-system.ts";
import { readReport, reportName } from "./report-writer.ts";
import type { ServiceUser } from "./service-user.ts";

export interface PowerOnOptions extends Omit<AdoptOptions, "group"> {
  readonly mounts: Mounts;
  readonly kernel: RunningKernel;
  /** Who the service runs as; undefined: whoever runs this. */
  readonly user: ServiceUser | undefined;
  /** The root of the system that gets name, time zone, links and WiFi; undefined: none does. */
  readonly system: string | undefined;
  /** Kept until power-off, for the service: what was done and seen before it started. */
  readonly record: string | undefined;
  readonly bootId: string;
  /** What is seen of the machine, while the boot file is taken over. */
  readonly facts: () => Promise<readonly ReportLine[]>;
  /** Seconds since power-on. */
  readonly uptime: () => number;
  /** Milliseconds since 1970; undefined while the clock is not set. */
  readonly now: () => number | undefined;
}

export interface PowerOn extends Omit<Adoption, "outcome"> {
  /** `failed`: the data partition cannot be used. */
  readonly outcome: Adoption["outcome"] | "failed";
  /** Seconds since power-on. */
  readonly adopted: number;
}

/**
 * Everything that has to be done at power-on before links and service start: the boot file is taken over, what is in
 * force is put where the system reads it, and the boot report begins. What goes wrong with one of these keeps no other
 * from being done. Never rejects.
 */
export async function takeOver(options: PowerOnOptions): Promise<PowerOn> {
  const warnings: string[] = [];
  const attempt = async (act: () => Promise<unknown>): Promise<void> => {
    await act().catch((error: unknown) => warnings.push(toFault(error).message));
  };
  const facts = options.facts();
  let result: PowerOn;
  {
    const tell = (text: string): void => void warnings.push(text);
    await using partition = openBootPartition(options.boot, options.disk, options.mounts, tell);
    const { disk } = partition;
    const adoption = await adopt(options, disk);
    await attempt(() => options.disk.makeFolder(join(options.data, "state"), 0o700));
    await attempt(async () => void warnings.push(...(await putCurrent(options))));
    result = { ...adoption, adopted: tenths(options.uptime()) };
    await attempt(async () => beginReport({ ...options, disk }, result, await facts, warnings));
  }
  return { ...result, warnings: [...result.warnings, ...warnings] };
}

async function adopt(options: PowerOnOptions, disk: Disk): Promise<Omit<PowerOn, "adopted">> {
  const { boot, data, backend, user, mounts, record } = options;
  try {
    // The secrets would be taken away from the boot partition, and lost with the power.
    if (record !== undefined && (await mounts.isInMemory(data)))
      throw new Fault(
        "internal",
        `expected ${data} on the data partition, got a folder in memory. Is the card damaged, or the partition not mounted?`,
      );
    return await adoptBootFile({ boot, data, backend, disk, group: user?.group });
  } catch (error) {
    const isInForce = await readCurrent(data).then(
      ({ size }) => size > 0,
      () => false,
    );
    const stays = isInForce ? "What was in force before stays so." : "Nothing is in force.";
    const text = `The boot file cannot be taken over: ${toFault(error).message} ${stays}`;
    return { outcome: "failed", isInForce, text, warnings: [] };
  }
}

async function putCurrent({ system, data, kernel }: PowerOnOptions): Promise<readonly string[]> {
  if (system === undefined) return [];
  const prefix = "system/";
  const files = [...(await readCurrent(data))].flatMap(([path, content]) =>
    path.startsWith(prefix) ? [[path.slice(prefix.length), content] as const] : [],
  );
  return await putSystem(system, new Map(files), kernel);
}

async function beginReport(
  options: PowerOnOptions,
  { outcome, isInForce, text, adopted, warnings }: PowerOn,
  facts: readonly ReportLine[],
  more: readonly string[],
): Promise<void> {
  const { record, bootId: id, boot, disk } = options;
  if (record === undefined) return;
  const word = outcome === "refused" || outcome === "failed" ? "NOT TAKEN OVER. " : "";
  const lines: readonly ReportLine[] = [
    ...text.split("\n").map((line, index): ReportLine => ["Boot file", index === 0 ? word + line : line]),
    ...(isInForce ? [] : [["spotlive", "CANNOT START without a boot file that is right"] as const]),
    ...[...warnings, ...more].map((warning): ReportLine => ["Warning", warning]),
    ...facts,
  ];
  await writeEarlyRecord(record, { bootId: id, adopted, lines });
  const [uptime, now] = [options.uptime(), options.now()];
  const poweredOnAt = now === undefined ? undefined : now - uptime * 1000;
  const marks = { kernel: 0, adopted };
  // A fault names no secret: what is in force was checked, and what is refused is told without its values.
  const report = bootReport(
    { id, poweredOnAt, uptime, facts: lines, marks, line: undefined },
    await readReport(boot, record),
    (text) => text,
  );
  await replaceFile(options.disk, record, reportName, report, 0o644).catch(() => {});
  await replaceFile(disk, boot, reportName, report, 0o600);
}

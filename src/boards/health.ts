import { setTimeout as sleep } from "node:timers/promises";
import type { HealthReading } from "../domain/board.ts";
import { toFault } from "../domain/fault.ts";
import type { Health } from "../domain/health.ts";
import type { Report } from "../domain/status.ts";
import { loadProfiles } from "./catalogue.ts";
import { readBoardFacts } from "./facts.ts";
import { HealthMonitor } from "./health-monitor.ts";
import { chooseProfile } from "./match.ts";
import { profileGauges } from "./profile-gauges.ts";
import type { Root } from "./root.ts";
import { systemGauges } from "./system-gauges.ts";

export interface HealthOptions {
  readonly root: Root;
  readonly stateDirectory: string;
  readonly report: Report;
  /** Milliseconds between two looks; 10 000 where absent. */
  readonly everyMs?: number;
}

const usualEveryMs = 10_000;

/**
 * Reports how the machine is, again and again, until aborted. Never rejects: a board that cannot be recognised is
 * watched for what every Linux tells.
 */
export async function watchHealth(options: HealthOptions, signal: AbortSignal): Promise<void> {
  const { root, stateDirectory, report, everyMs = usualEveryMs } = options;
  const readings = await readingsOf(root, report);
  const monitor = new HealthMonitor([
    ...profileGauges(root, readings),
    ...systemGauges(root, stateDirectory),
  ]);
  while (!signal.aborted) {
    const look = await monitor.look();
    if (signal.aborted) return;
    report({ type: "health", ...look });
    await sleep(everyMs, undefined, { signal }).catch(() => {});
  }
}

/** The health of a board at this moment, for a look at it from outside. Rejects with a `Fault` when the profiles are wrong. */
export async function lookAtHealth(root: Root, stateDirectory: string): Promise<Health> {
  const readings = await boardReadings(root);
  const gauges = [...profileGauges(root, readings), ...systemGauges(root, stateDirectory)];
  return (await new HealthMonitor(gauges).look()).health;
}

async function readingsOf(root: Root, report: Report): Promise<readonly HealthReading[]> {
  try {
    return await boardReadings(root);
  } catch (error) {
    const text = `Heat and power supply of this board are not watched: ${toFault(error).message}`;
    report({ type: "notice", part: "health", severity: "warning", text });
    return [];
  }
}

async function boardReadings(root: Root): Promise<readonly HealthReading[]> {
  const [profiles, facts] = await Promise.all([loadProfiles(), readBoardFacts(root)]);
  return (await chooseProfile(facts, root, profiles)).chosen.profile.health;
}

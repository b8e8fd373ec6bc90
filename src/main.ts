import { secretsOf } from "./config/build.ts";
import type { Config } from "./config/config.ts";
import { createEventLog } from "./control/event-log.ts";
import { serveSocket } from "./control/socket.ts";
import type { Report } from "./domain/status.ts";
import { createLog, createMask } from "./lib/log.ts";
import { childSignal } from "./lib/retry.ts";
import { createParts } from "./parts.ts";
import { openDesiredState } from "./supervisor/desired-state.ts";
import { createSupervisor } from "./supervisor/supervisor.ts";
import { waitForWallClock } from "./supervisor/wall-clock.ts";

/**
 * The appliance: its parts in start order, all running until `signal` aborts. Rejects with the fault of the first
 * part that cannot go on; the others are then stopped too.
 */
export async function runAppliance(config: Config, signal: AbortSignal): Promise<void> {
  const mask = createMask();
  for (const secret of secretsOf(config)) mask.add(secret);
  const log = createLog({ level: config.logLevel, mask });
  const report: Report = (event) => supervisor.report(event);
  const desired = openDesiredState(config.stateDirectory, report);
  const supervisor = createSupervisor({
    createParts: (early) => createParts(config, early, mask),
    report: createEventLog(log),
    remember: desired.remember,
    prepare: (waiting) => waitForWallClock(config.clockWaitSeconds * 1000, report, waiting),
  });
  const { submit, status } = supervisor;

  const parts: readonly ((running: AbortSignal) => Promise<void>)[] = [
    (running) => supervisor.run(running),
    (running) => serveSocket({ path: config.socketPath, submit, status }, running),
    () => powerOn(),
  ];

  async function powerOn(): Promise<void> {
    const last = await desired.read();
    const live = config.autostart === "always" || (config.autostart === "last" && last === "live");
    if (live) await submit({ id: "power-on", command: { kind: "start" }, origin: "power-on" });
  }

  using scope = childSignal(signal);
  const running = parts.map((part) => part(scope.signal));
  try {
    await Promise.all(running);
  } catch (error) {
    log.error({ err: error }, "A part cannot go on.");
    throw error;
  } finally {
    scope.abort();
    await Promise.allSettled(running);
  }
}

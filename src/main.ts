import { join } from "node:path";
import { createBoard } from "./board.ts";
import { watchHealth } from "./boards/health.ts";
import { openRoot } from "./boards/root.ts";
import { secretsOf } from "./config/build.ts";
import type { ConfigFile } from "./config/config-file.ts";
import type { Config } from "./config/config.ts";
import { readSystemd } from "./config/systemd.ts";
import { auditCommands } from "./control/audit.ts";
import { createEventLog } from "./control/event-log.ts";
import { createJournal } from "./control/journal.ts";
import { serveSocket } from "./control/socket.ts";
import type { SurfaceContext } from "./control/surface.ts";
import type { Report } from "./domain/status.ts";
import { keepCompiledCode } from "./lib/compiled-code.ts";
import { createEventBus } from "./lib/events.ts";
import { createLog, createMask } from "./lib/log.ts";
import { childSignal } from "./lib/signals.ts";
import { configuredState, createConfiguredPreview, createLine } from "./parts.ts";
import { bootReportOf } from "./report.ts";
import { createSurfaces } from "./surfaces.ts";
import { openMemory } from "./supervisor/memory.ts";
import { createSupervisor } from "./supervisor/supervisor.ts";
import { waitForWallClock } from "./supervisor/wall-clock.ts";

export interface ApplianceOptions {
  readonly config: Config;
  /** Where it is from; absent where it is in no file. */
  readonly configFile?: ConfigFile;
}

/**
 * The appliance: its parts in start order, all running until `signal` aborts. Rejects with the fault of the first
 * part that cannot go on; the others are then stopped too.
 */
export async function runAppliance(
  { config, ...origin }: ApplianceOptions,
  signal: AbortSignal,
): Promise<void> {
  using scope = childSignal(signal);
  const mask = createMask();
  for (const secret of secretsOf(config)) mask.add(secret);
  const log = createLog({ level: config.logLevel, mask });
  const events = createEventBus();
  events.subscribe(createEventLog(log), scope.signal);
  const journal = createJournal(mask);
  events.subscribe(journal.note, scope.signal);

  const report: Report = (event) => supervisor.report(event);
  const memory = openMemory(config.stateDirectory, report);
  const remembered = await memory.read(configuredState(config));
  const board = createBoard(config.stateDirectory, report);
  const preview = createConfiguredPreview(config);
  const supervisor = createSupervisor({
    createLine: (early) => createLine(config, early, mask, board.proven, preview),
    initial: { ...remembered, desired: "idle" },
    report: events.report,
    remember: memory.keep,
    prepare: (tell, waiting) => waitForWallClock(config.clockWaitSeconds * 1000, { tell, report }, waiting),
  });
  const path = join(config.stateDirectory, "audit.log");
  const submit = journal.watch(auditCommands(supervisor.submit, { path, report }));
  const context: SurfaceContext = { submit, status: supervisor.status, subscribe: events.subscribe, log };

  // systemd starts it again; elsewhere the end would be the end.
  const restart = readSystemd().notifySocket !== undefined && { restart: scope.abort };

  const parts: readonly ((running: AbortSignal) => Promise<void>)[] = [
    (running) => supervisor.run(running),
    (running) => serveSocket({ path: config.socketPath, ...context }, running),
    ...createSurfaces(config, { report, mask, journal, preview, ...origin, ...restart }).map(
      (surface) => (running: AbortSignal) => surface(context, running),
    ),
    () => powerOn(),
    ...(config.transcode.allow ? [board.run] : []),
    ...(config.bootDirectory === undefined
      ? []
      : [bootReportOf({ ...context, folder: config.bootDirectory, ...readSystemd(), report, mask })]),
    (running) => keepCompiledCode({ subscribe: events.subscribe }, running),
    (running) => watchHealth({ root: openRoot(), stateDirectory: config.stateDirectory, report }, running),
  ];

  async function powerOn(): Promise<void> {
    const live =
      config.autostart === "always" || (config.autostart === "last" && remembered.desired === "live");
    if (live) await submit({ id: "power-on", command: { kind: "start" }, origin: "power-on" });
  }

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

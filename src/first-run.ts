import { secretsOf } from "./config/build.ts";
import type { ConfigFile } from "./config/config-file.ts";
import { createEventLog } from "./control/event-log.ts";
import { createJournal } from "./control/journal.ts";
import { serveSocket } from "./control/socket.ts";
import type { SurfaceContext } from "./control/surface.ts";
import { Fault, summarize } from "./domain/fault.ts";
import type { Status } from "./domain/status.ts";
import { createEventBus } from "./lib/events.ts";
import { createLog, createMask } from "./lib/log.ts";
import { childSignal } from "./lib/signals.ts";
import { createSurfaces } from "./surfaces.ts";

const notYet = new Fault("not-running", "Nothing is configured yet. Set spotlive up on its page first.");

/** What the surfaces show meanwhile. */
const status: Status = {
  phase: "idle",
  reason: "Nothing is configured yet.",
  desired: "idle",
  locked: false,
  settings: { destinations: [], bitrateCap: null, audio: "silent" },
  sinceSeconds: 0,
  source: { name: "none", state: "idle", fps: 0, bitsPerSecond: 0 },
  path: "copy",
  outputs: [],
  notices: [],
};

/**
 * The appliance before it has a configuration, which `problem` says: its page alone, on which a person makes one.
 * Resolves when aborted, and when a restart is asked for.
 */
export async function runFirstRun(
  configFile: ConfigFile,
  problem: Fault,
  signal: AbortSignal,
): Promise<void> {
  const config = await configFile.firstRun();
  using scope = childSignal(signal);
  const mask = createMask();
  for (const secret of secretsOf(config)) mask.add(secret);
  const log = createLog({ level: config.logLevel, mask });
  const { report, subscribe } = createEventBus();
  const journal = createJournal(mask);
  for (const listener of [createEventLog(log), journal.note]) subscribe(listener, scope.signal);
  log.warn(problem.message);
  const began = performance.now();
  const context: SurfaceContext = {
    submit: ({ id, command }) =>
      Promise.resolve(
        command.kind === "status"
          ? { ok: true, id, status: context.status() }
          : { ok: false, id, fault: summarize(notYet) },
      ),
    status: () => ({ ...status, sinceSeconds: Math.round((performance.now() - began) / 1000) }),
    subscribe,
    log,
  };
  const surfaces = createSurfaces(config, {
    ...{ report, mask, journal, configFile, isFirstRun: true, restart: scope.abort },
    onListening: (url) => log.warn(`Set spotlive up on its page: ${url}/`),
  });
  const running = [
    serveSocket({ path: config.socketPath, ...context }, scope.signal),
    ...surfaces.map((surface) => surface(context, scope.signal)),
  ];
  try {
    await Promise.all(running);
  } finally {
    scope.abort();
    await Promise.allSettled(running);
  }
}

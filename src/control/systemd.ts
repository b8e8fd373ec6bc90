import notify from "systemd-notify";
import { toFault } from "../domain/fault.ts";
import type { Status } from "../domain/status.ts";
import { startChild } from "../lib/child.ts";
import { nowUs } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { childSignal } from "../lib/signals.ts";
import type { Surface, SurfaceContext } from "./surface.ts";
import { createProgressWatch } from "./systemd-progress.ts";

export interface SystemdOptions {
  /** NOTIFY_SOCKET as systemd gave it (sd_notify(3)); undefined where no systemd waits: the surface does nothing. */
  readonly notifySocket: string | undefined;
  /** WATCHDOG_USEC as systemd gave it (sd_watchdog_enabled(3)), microseconds; undefined: no watchdog. */
  readonly watchdogUsec: number | undefined;
  /**
   * How long a live line may give no picture before the watchdog is no longer fed, milliseconds. More than the
   * supervisor's own stall limit, which must have its chance first.
   */
  readonly stallMs: number;
  /** Called once, when systemd was told READY. */
  readonly onReady?: () => void;
}

/** Of one message; the last words have to be said within the time that a stop may take. */
const messageLimitMs = 5000;
const lastWordsMs = 1500;
const longestStatus = 300;
const statusPauseMs = 1000;

/**
 * Tells systemd READY=1 once, STATUS= at each change of phase, STOPPING=1 at the end, and WATCHDOG=1 three times
 * within the watchdog's period as long as the line moves. A message that cannot be sent is a warning in the log.
 *
 * Node has no unix datagram sockets, so each message is one run of the program `systemd-notify`: through the npm
 * package of that name for READY and STATUS, directly for what it does not know. The unit needs NotifyAccess=all,
 * because the messages come from children. On x86 a message takes less than 2 ms of this process's CPU, and 8 ms in all.
 */
export function createSystemdSurface(options: SystemdOptions): Surface {
  return async (context, signal) => {
    if (options.notifySocket === undefined || signal.aborted) return;
    const log = context.log.child({ part: "systemd" });
    using scope = childSignal(signal);
    await Promise.all([
      showStatus(context, log, scope.signal, options.onReady),
      options.watchdogUsec === undefined
        ? undefined
        : feedWatchdog({ ...options, watchdogUsec: options.watchdogUsec }, context, log, scope.signal),
    ]);
    await send("STOPPING=1", lastWordsMs, log, new AbortController().signal); // ours has aborted already
  };
}

/** READY with the first status, then every newer one; what changes faster than it can be told is skipped. */
async function showStatus(
  context: SurfaceContext,
  log: Log,
  signal: AbortSignal,
  onReady?: () => void,
): Promise<void> {
  let changed = Promise.withResolvers<void>();
  const aborted = new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
  context.subscribe((event) => {
    if (event.type === "phase") changed.resolve();
  }, signal);
  let shown = statusText(context.status());
  // The package gives no hold on the program it starts: at the end we do not wait for it.
  await Promise.race([tell({ ready: true, status: shown }, log).then(onReady), aborted]);
  while (!signal.aborted) {
    const text = statusText(context.status());
    if (text === shown) {
      await Promise.race([changed.promise, aborted]);
      changed = Promise.withResolvers();
    } else {
      shown = text;
      await Promise.race([tell({ status: text }, log), aborted]);
      await pause(statusPauseMs, signal);
    }
  }
}

async function feedWatchdog(
  { watchdogUsec, stallMs }: SystemdOptions & { readonly watchdogUsec: number },
  { status }: SurfaceContext,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const watch = createProgressWatch(stallMs);
  let fed = true;
  for (;;) {
    await pause(watchdogUsec / 3000, signal);
    if (signal.aborted) return;
    const now = status();
    const advances = watch.advances(now, nowUs());
    if (advances) await send("WATCHDOG=1", messageLimitMs, log, signal);
    else if (fed) log.error({ phase: now.phase }, "The line stands still; the watchdog is no longer fed.");
    fed = advances;
  }
}

async function tell(notification: Parameters<typeof notify>[0], log: Log): Promise<void> {
  try {
    await notify(notification);
  } catch (error) {
    log.warn(
      `systemd could not be told READY or STATUS: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

async function send(message: string, limitMs: number, log: Log, signal: AbortSignal): Promise<void> {
  using limit = childSignal(signal);
  const timer = setTimeout(limit.abort, limitMs);
  try {
    await using child = await startChild("systemd-notify", [message], limit.signal, {
      purpose: `telling systemd ${message}`,
      graceMs: 100,
    });
    await child.done;
    if (limit.signal.aborted && !signal.aborted)
      log.warn(`systemd did not take ${message} in ${limitMs} ms.`);
  } catch (error) {
    log.warn(toFault(error).message);
  } finally {
    clearTimeout(timer);
  }
}

/** One line: a line break would begin another variable (sd_notify(3)), so a text from outside could feed the watchdog. */
function statusText({ phase, reason }: Pick<Status, "phase" | "reason">): string {
  return `${phase}: ${reason}`
    .replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, " ")
    .slice(0, longestStatus)
    .toWellFormed();
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}

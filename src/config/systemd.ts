import type { Environment } from "./environment.ts";

/** What systemd tells a service of kind `notify` (sd_notify(3), sd_watchdog_enabled(3)). */
export interface SystemdConfig {
  /** Undefined where no systemd waits for word. */
  readonly notifySocket: string | undefined;
  /** Microseconds; undefined: no watchdog, or one that is meant for another process. */
  readonly watchdogUsec: number | undefined;
  /** A folder that lasts as long as the service does, at least; undefined where systemd made none. */
  readonly runtimeDirectory: string | undefined;
}

export function readSystemd(environment: Environment = process.env): SystemdConfig {
  const { NOTIFY_SOCKET: notifySocket, RUNTIME_DIRECTORY: runtimeDirectory } = environment;
  const { WATCHDOG_USEC: period = "", WATCHDOG_PID: pid = "" } = environment;
  const ours = pid === "" || Number(pid) === process.pid;
  const watchdogUsec = ours && /^\d{1,15}$/.test(period) ? Number(period) : undefined;
  return { notifySocket, watchdogUsec, runtimeDirectory };
}

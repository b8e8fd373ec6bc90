import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Environment } from "./environment.ts";

const isRoot = (): boolean => process.getuid?.() === 0;
const systemSocket = "/run/spotlive/control.sock";

/** Where what must outlive power-off is kept, when the configuration does not say. */
export function defaultStateDirectory(environment: Environment): string {
  if (isRoot()) return "/var/lib/spotlive";
  // systemd gives a service a directory of its own and tells it by STATE_DIRECTORY (systemd.exec(5)).
  const { STATE_DIRECTORY: given = "", XDG_STATE_HOME: stateHome = "" } = environment;
  if (given !== "") return given;
  return join(stateHome === "" ? join(homedir(), ".local", "state") : stateHome, "spotlive");
}

/** Where a verb that reads no configuration finds what the running spotlive keeps. */
export function stateDirectoryToUse(environment: Environment = process.env): string {
  const { SPOTLIVE_STATE_DIRECTORY: given = "" } = environment;
  return given === "" ? defaultStateDirectory(environment) : given;
}

/** Where the control socket is made, when the configuration does not say. */
export function defaultSocketPath(environment: Environment): string {
  if (isRoot()) return systemSocket;
  const { RUNTIME_DIRECTORY: given = "", XDG_RUNTIME_DIR: runtimeHome = "" } = environment;
  if (given !== "") return join(given, "control.sock");
  if (runtimeHome !== "") return join(runtimeHome, "spotlive", "control.sock");
  return join(defaultStateDirectory(environment), "control.sock");
}

/** Where `start`, `stop` and `status` look for the running spotlive: the user's own first, then the system's. */
export function socketPathToAsk(environment: Environment = process.env): string {
  const { SPOTLIVE_SOCKET_PATH: given = "" } = environment;
  if (given !== "") return given;
  const own = defaultSocketPath(environment);
  return existsSync(own) ? own : systemSocket;
}

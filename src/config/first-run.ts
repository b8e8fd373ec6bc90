import type { Config } from "./config.ts";
import type { Environment } from "./environment.ts";
import { parseConfig } from "./load.ts";

/** What may be said by the environment before anything is configured: who may see the page, and where things lie. */
const known =
  /^(SPOTLIVE_(HTTP_\w+|STATE_DIRECTORY|SOCKET_PATH|LOG_LEVEL)|STATE_DIRECTORY|RUNTIME_DIRECTORY|XDG_\w+|HOME)$/;
const port = 8080;

/**
 * What spotlive runs with while nothing is configured, so that its page can be reached: on loopback, or as the
 * environment says. Its source and its outputs are nobody's. Rejects with a `Fault` (`config-invalid`).
 */
export async function firstRunConfig(environment: Environment): Promise<Config> {
  const some = Object.fromEntries(Object.entries(environment).filter(([name]) => known.test(name)));
  const keys = { source: "file", file: { path: "none" }, http: { port } };
  return await parseConfig(JSON.stringify(keys), "(before the first configuration)", some);
}

/**
 * What a person has chosen there, and the port of the page unless something else says one: without it the first
 * configuration would take the page away. Anything that is no object comes back as it is.
 */
export function withPage(given: unknown, environment: Environment): unknown {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
  const isSaid = "http.port" in given || environment["SPOTLIVE_HTTP_PORT"] !== undefined;
  return isSaid ? given : { ...given, "http.port": port };
}

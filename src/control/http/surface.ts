import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Fault, toFault } from "../../domain/fault.ts";
import { retry } from "../../lib/retry.ts";
import type { RetryPolicy } from "../../lib/retry.ts";
import type { Surface, SurfaceContext } from "../surface.ts";
import { startHistory } from "./history.ts";
import type { History } from "./history.ts";
import { checkOptions, hostInUrl } from "./options.ts";
import type { HttpOptions } from "./options.ts";
import { createServer } from "./server.ts";

const policy: RetryPolicy = {
  delayMs: (_fault, failures) => Math.min(30_000, 500 * 2 ** failures),
  healthyAfterMs: 10_000,
};

/**
 * The HTTP API: status, commands, events, metrics, health, and the OpenAPI document that describes them.
 * Rejects with `config-invalid` when it would be open to others; an address that is taken or not there yet is tried
 * again. Closes every connection within a moment of the abort.
 */
export function createHttpSurface(options: HttpOptions): Surface {
  return async (context, signal) => {
    checkOptions(options);
    const log = context.log.child({ part: "http" });
    const history = startHistory(context.status, signal);
    await retry((running) => serve(options, { ...context, log }, history, running), policy, signal, {
      onWait: ({ code, message }, retryInMs) => log.warn({ code, retryInMs }, message),
    });
  };
}

async function serve(
  options: HttpOptions,
  context: SurfaceContext,
  history: History,
  signal: AbortSignal,
): Promise<void> {
  const app = await createServer(options, context, history, signal);
  try {
    await app.listen({ host: options.host, port: options.port }).catch((error: unknown) => {
      throw notListening(error as NodeJS.ErrnoException, options);
    });
    const { address, port } = app.server.address() as AddressInfo;
    options.onListening?.(`http://${hostInUrl(address)}:${port}`);
    if (!signal.aborted) await once(signal, "abort");
  } catch (error) {
    throw toFault(error);
  } finally {
    await app.close();
  }
}

function notListening(error: NodeJS.ErrnoException, { host, port }: HttpOptions): Fault {
  const at = `HTTP cannot listen on ${hostInUrl(host)}:${port}`;
  switch (error.code) {
    case "EADDRINUSE":
      return new Fault(
        "surface-unreachable",
        `${at}: another program does. Stop it, or choose another port.`,
      );
    case "EACCES":
      return new Fault("config-invalid", `${at}: this user may not. Choose a port from 1024 on.`);
    default:
      return new Fault("surface-unreachable", `${at}: ${error.message}`, { cause: error });
  }
}

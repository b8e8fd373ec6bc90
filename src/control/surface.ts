import type { Submit } from "../domain/command.ts";
import type { Status, Subscribe } from "../domain/status.ts";
import type { Log } from "../lib/log.ts";

/**
 * What every surface is given: MQTT, chat, HTTP, the control socket, systemd. A surface turns its language into
 * requests and events back into its language; it knows no other surface and nothing of what is behind `submit`.
 */
export interface SurfaceContext {
  readonly submit: Submit;
  readonly status: () => Status;
  readonly subscribe: Subscribe;
  readonly log: Log;
}

/** A surface runs until aborted; it keeps trying by itself what can be tried again, through `lib/retry.ts`. */
export type Surface = (context: SurfaceContext, signal: AbortSignal) => Promise<void>;

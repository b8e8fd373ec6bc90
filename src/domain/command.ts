import type { FaultSummary } from "./fault.ts";
import type { Status } from "./status.ts";

/** What can be asked of spotlive, whoever asks. */
export type Command = { readonly kind: "start" } | { readonly kind: "stop" } | { readonly kind: "status" };

/** Where a request came in. */
export type Origin = "power-on" | "cli" | "demo" | "shutdown";

/** One request; `id` makes it idempotent, `expiresAt` (microseconds, monotonic) makes a late one harmless. */
export interface CommandRequest {
  readonly id: string;
  readonly command: Command;
  readonly origin: Origin;
  readonly by?: string;
  readonly expiresAt?: number;
}

/** What came of a request. The status is the one after it was accepted. */
export type Result =
  | { readonly ok: true; readonly id: string; readonly status: Status }
  | { readonly ok: false; readonly id: string; readonly fault: FaultSummary };

/** Hands a request to the supervisor. Never rejects: a refusal is a `Result`. */
export type Submit = (request: CommandRequest) => Promise<Result>;

import type { Sample } from "../../domain/sample.ts";

/** What spotlive answers besides its status, as JSON. */

export interface SessionAnswer {
  /** Whether a login is needed here. */
  readonly protected: boolean;
  /** Who is logged in; null: nobody. */
  readonly by: string | null;
  /** Goes with everything that changes something; null where nobody is logged in. */
  readonly csrf: string | null;
  readonly version: string;
  /** Nothing is configured yet. */
  readonly setup: boolean;
}

export interface HistoryAnswer {
  readonly stepSeconds: number;
  readonly samples: readonly Sample[];
}

export interface JournalEvent {
  readonly t: number;
  readonly type: string;
  readonly severity: "info" | "warning" | "error";
  readonly text: string;
}

export interface AuditEntry {
  readonly t: number;
  readonly origin: string;
  readonly by: string | null;
  readonly command: string;
  readonly ok: boolean;
  readonly text: string;
}

/** Newest first. */
export interface Journal {
  readonly events: readonly JournalEvent[];
  readonly audit: readonly AuditEntry[];
}

export type DoctorVerdict = "ok" | "warning" | "wrong" | "unknown";

export interface DoctorFinding {
  readonly id: string;
  readonly title?: string;
  readonly verdict: DoctorVerdict;
  readonly evidence: string;
  readonly meaning: string;
  readonly remedy: string;
}

export type KeyKind = "text" | "number" | "whole-number" | "switch" | "choice" | "secret" | "list";

/** One key of the configuration. */
export interface ConfigKey {
  /** `http.port`, `outputs[0].url`. */
  readonly path: string;
  readonly doc: string;
  /** Kinds that this page does not know are shown as JSON. */
  readonly kind: KeyKind | (string & {});
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  /** In words: `a whole number from 1 to 65535`. */
  readonly expected?: string;
  /** May be without a value. */
  readonly optional?: boolean;
  readonly default?: unknown;
  readonly value?: unknown;
  readonly from: "default" | "file" | "environment";
  /** Of a secret, whose value is never told. */
  readonly isSet?: boolean;
}

export interface ConfigGroup {
  /** `http`, `spot.tls`, `outputs[0]`; empty for the keys that are in none. */
  readonly name: string;
  readonly about: string;
  /** A destination that is not there yet: setting its keys makes it. */
  readonly isNew?: boolean;
  readonly keys: readonly ConfigKey[];
}

export interface ConfigAnswer {
  readonly path: string | null;
  readonly writable: boolean;
  /** Why not, and what to do instead. */
  readonly advice?: string;
  /** Something starts spotlive anew when it ends. */
  readonly restartable?: boolean;
  readonly groups: readonly ConfigGroup[];
}

export interface ConfigProblem {
  readonly path: string;
  readonly text: string;
}

export interface RobotTest {
  readonly steps: readonly SetupStep[];
  /** What was found out and belongs into the configuration with the login: whose certificates are believed, ports. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface SetupStep {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
}

export interface IngestTest {
  readonly ok: boolean;
  readonly bitsPerSecond?: number;
  readonly text: string;
}

/**
 * Every way in which spotlive fails, as one closed list. `retryable: false` means that trying again cannot help
 * (or harms, as six wrong passwords lock a robot's account): the supervisor stops and says so.
 */
const faults = {
  // Bad input: configuration, command line, bytes from a network or a file.
  "config-invalid": { retryable: false },
  usage: { retryable: false },
  malformed: { retryable: true },
  // The robot and its camera.
  "robot-unreachable": { retryable: true },
  "robot-tls": { retryable: false },
  "robot-error": { retryable: true },
  "login-refused": { retryable: false },
  "login-locked": { retryable: true },
  "payload-not-authorized": { retryable: true },
  "permission-denied": { retryable: false },
  "token-expired": { retryable: true },
  "camera-missing": { retryable: true },
  "signalling-refused": { retryable: true },
  "connection-lost": { retryable: true },
  "source-stalled": { retryable: true },
  "source-ended": { retryable: true },
  "source-unsupported": { retryable: false },
  // Destinations.
  "output-unreachable": { retryable: true },
  "output-tls": { retryable: true },
  "key-refused": { retryable: false },
  "key-in-use": { retryable: true },
  "publish-refused": { retryable: true },
  "closed-early": { retryable: true },
  "output-closed": { retryable: true },
  "output-stalled": { retryable: true },
  "protocol-error": { retryable: true },
  // This machine.
  "child-missing": { retryable: false },
  "child-failed": { retryable: true },
  "not-running": { retryable: false },
  expired: { retryable: false },
  locked: { retryable: false },
  "rate-limited": { retryable: true },
  "not-supported": { retryable: false },
  "not-permitted": { retryable: false },
  "not-well": { retryable: false },
  // Surfaces.
  "surface-unreachable": { retryable: true },
  "surface-refused": { retryable: false },
  internal: { retryable: true },
} as const satisfies Record<string, { readonly retryable: boolean }>;

export type FaultCode = keyof typeof faults;

/**
 * The one error class of spotlive. The message is one or two plain sentences for a person: what was expected,
 * what was got and what to do. It must never hold a secret.
 */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly retryable: boolean;

  constructor(code: FaultCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = "Fault";
    this.code = code;
    this.retryable = faults[code].retryable;
  }
}

/** Gives a `Fault` for anything thrown: itself if it is one, otherwise wrapped under `code` (default `internal`). */
export function toFault(error: unknown, code: FaultCode = "internal", prefix = ""): Fault {
  if (error instanceof Fault) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new Fault(code, prefix === "" ? text : `${prefix}: ${text}`, { cause: error });
}

/** A fault as it is shown in status, logs and replies. */
export interface FaultSummary {
  readonly code: FaultCode;
  readonly message: string;
  readonly retryable: boolean;
}

export function summarize(fault: Fault): FaultSummary {
  return { code: fault.code, message: fault.message, retryable: fault.retryable };
}

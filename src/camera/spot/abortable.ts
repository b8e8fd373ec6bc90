import { Fault } from "../../domain/fault.ts";

/**
 * Waits for work that somebody else has begun and that goes on without us. Rejects as `promise` does, or with
 * `robot-unreachable` at the abort.
 */
export async function waitUnlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const aborted = Promise.withResolvers<never>();
  const stop = (): void =>
    aborted.reject(new Fault("robot-unreachable", "Stopped while waiting for the robot."));
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

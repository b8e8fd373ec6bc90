import type { FaultCode } from "../domain/fault.ts";
import type { RetryPolicy } from "../lib/retry.ts";

/** Twitch keeps a broadcast for about this long while the encoder is away. */
const protectionWindowMs = 90_000;

const second = 1000;

/** Full jitter: many boxes that lost the same network do not come back in the same instant. */
function between(lowMs: number, highMs: number): number {
  return lowMs + Math.random() * (highMs - lowMs);
}

function exponential(failures: number, ceilingMs: number): number {
  return Math.min(ceilingMs, second * 2 ** Math.min(failures - 1, 20));
}

/** The ingest answered and said no, or hung up: hurrying cannot help and makes many short broadcasts. */
const refusals: ReadonlySet<FaultCode> = new Set(["closed-early", "key-in-use", "publish-refused"]);

/** 1 to 15 s while the broadcast can still be saved, then 30 to 60 s; refusals from 2 s up to a minute. */
export const outputRetryPolicy: RetryPolicy = {
  healthyAfterMs: 10 * second,
  delayMs(fault, failures, outageMs) {
    // Often a captive portal that answers for everybody until somebody has logged in there.
    if (fault.code === "output-tls") return between(30 * second, 60 * second);
    // After a lost network the ingest still holds our own old connection for a while.
    if (fault.code === "key-in-use" && outageMs < protectionWindowMs) return between(second, 3 * second);
    if (refusals.has(fault.code))
      return between(2 * second, Math.max(2 * second, exponential(failures + 1, 60 * second)));
    if (outageMs > protectionWindowMs) return between(30 * second, 60 * second);
    return between(second, exponential(failures, 15 * second));
  },
};

/** The robot is on our own cable, so it is asked more often; a locked account is left alone until the lock is over. */
export const sourceRetryPolicy: RetryPolicy = {
  healthyAfterMs: 10 * second,
  delayMs(fault, failures) {
    if (fault.code === "login-locked") return between(65 * second, 75 * second);
    if (fault.code === "token-expired" && failures === 1) return 0;
    if (fault.code === "payload-not-authorized") return between(2 * second, 5 * second);
    return between(second / 2, exponential(failures, 10 * second));
  },
};

/** A dead encoder is replaced at once; one that dies again and again, ever more slowly. */
export const transcoderRetryPolicy: RetryPolicy = {
  healthyAfterMs: 5000,
  delayMs: (_fault, failures) =>
    failures === 1 ? 0 : Math.min(10_000, 500 * 2 ** Math.min(failures - 2, 10)),
};

/** How an uplink is judged. Milliseconds. */
export interface HealthPolicy {
  /** Between two questions over the uplink that carries the traffic. */
  readonly everyMs: number;
  /** Between two questions over one that waits its turn, which may cost money. */
  readonly standbyMs: number;
  /** Before a question is asked again that had no answer. */
  readonly againMs: number;
  /** So many questions in a row without an answer make it sick. */
  readonly failures: number;
  /** How long one that was sick must answer before it is trusted again; doubled each time that was too early. */
  readonly trialMs: number;
  readonly longestTrialMs: number;
}

export const usualPolicy: HealthPolicy = {
  everyMs: 4000,
  standbyMs: 30_000,
  againMs: 500,
  failures: 2,
  trialMs: 30_000,
  longestTrialMs: 600_000,
};

/** What is known of one uplink. */
export interface Health {
  readonly verdict: "unknown" | "well" | "sick";
  /** Questions in a row without an answer, up to now. */
  readonly failures: number;
  /** When the row of answers began that lasts up to now. */
  readonly answersSinceMs: number | undefined;
  /** How long it must answer after it was sick. */
  readonly trialMs: number;
  /** When it was last found well after it had been sick. */
  readonly trustedAtMs: number | undefined;
}

export const newHealth = (policy: HealthPolicy): Health => ({
  ...{ verdict: "unknown", failures: 0, answersSinceMs: undefined },
  ...{ trialMs: policy.trialMs, trustedAtMs: undefined },
});

/** Takes one answer, or its absence, into account. Times are of the monotonic clock. */
export function judge(health: Health, hasAnswered: boolean, nowMs: number, policy: HealthPolicy): Health {
  if (hasAnswered) {
    const answersSinceMs = health.answersSinceMs ?? nowMs;
    const isTrusted = health.verdict !== "sick" || nowMs - answersSinceMs >= health.trialMs;
    const isBack = health.verdict === "sick" && isTrusted;
    return {
      ...health,
      verdict: isTrusted ? "well" : "sick",
      failures: 0,
      answersSinceMs,
      ...(isBack && { trustedAtMs: nowMs }),
    };
  }
  const failures = health.failures + 1;
  if (health.verdict === "sick" || failures < policy.failures)
    return { ...health, failures, answersSinceMs: undefined };
  const { trustedAtMs } = health;
  // One that fails soon after it was trusted again is to be watched for longer.
  const wasTooEarly = trustedAtMs !== undefined && nowMs - trustedAtMs < policy.longestTrialMs;
  const trialMs = wasTooEarly ? Math.min(health.trialMs * 2, policy.longestTrialMs) : policy.trialMs;
  return { ...health, verdict: "sick", failures, answersSinceMs: undefined, trialMs };
}

/** Milliseconds from one question to the next. */
export function pauseMs(health: Health, isInUse: boolean, policy: HealthPolicy): number {
  if (health.verdict === "sick") return policy.everyMs;
  if (health.failures > 0) return policy.againMs;
  return isInUse ? policy.everyMs : policy.standbyMs;
}

/**
 * The uplink that shall carry the traffic: the most wanted one that is well, else one of which nothing is known yet.
 * Where all are sick it is most likely the other end that is away, and the traffic stays where it is.
 */
export function chooseUplink(
  candidates: readonly { readonly name: string; readonly health: Health }[],
  inUse: string | undefined,
): string | undefined {
  const first = (verdict: Health["verdict"]): string | undefined =>
    candidates.find(({ health }) => health.verdict === verdict)?.name;
  const stays = candidates.find(({ name }) => name === inUse)?.name;
  return first("well") ?? first("unknown") ?? stays ?? candidates[0]?.name;
}

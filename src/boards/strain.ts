import type { HealthKind, HealthLevel } from "../domain/health.ts";

/** What the machine's heat says about encoding. `settling`: no longer hot, but not cool either. */
export type Stress = "calm" | "settling" | "hot" | "throttled";

/** What of a gauge counts for stress. */
export interface StressSign {
  readonly kind: HealthKind;
  readonly level: HealthLevel;
  readonly value?: number;
  /** From here on a temperature is too high. */
  readonly warn?: number;
  readonly isNow: boolean;
}

/** Degrees below its warning at which a temperature counts as well. */
const coolMargin = 8;

/** Only heat and throttling count: a smaller picture helps against nothing else. What is not known says nothing. */
export function stressOf(signs: readonly StressSign[]): Stress {
  const known = signs.filter(({ level }) => level !== "unknown");
  const heat = known.filter(({ kind }) => kind === "temperature");
  const isThrottled = known.some(({ kind, isNow }) => kind === "throttling" && isNow);
  if (isThrottled || heat.some(({ level }) => level === "critical")) return "throttled";
  if (heat.some(({ level }) => level === "warning")) return "hot";
  const isCool = heat.every(({ value = 0, warn = Infinity }) => value <= warn - coolMargin);
  return isCool ? "calm" : "settling";
}

/** How many steps down an encoder is, and what has to be known to judge the next moment. */
export interface Strain {
  readonly steps: number;
  /** When the last step was taken, microseconds, and whether it was one back. */
  readonly changedUs: number;
  readonly wasBack: boolean;
  /** Since when it has been calm; undefined while it is not. */
  readonly calmSinceUs: number | undefined;
  /** How long it must be calm before a step back, microseconds: longer after each step back that was too early. */
  readonly patienceUs: number;
}

export const mostSteps = 3;
const second = 1_000_000;
const leastPatienceUs = 120 * second;
const mostPatienceUs = 1920 * second;
/** A smaller picture takes so long to cool a board. */
const effectUs = 30 * second;
/** A step down that comes so soon after a step back shows that it was too early. */
const regretUs = 300 * second;

export const noStrain: Strain = {
  steps: 0,
  changedUs: Number.NEGATIVE_INFINITY,
  wasBack: false,
  calmSinceUs: undefined,
  patienceUs: leastPatienceUs,
};

/**
 * The next strain: a step down at once when it is hot, another every 30 s while it is throttled, and a step back only
 * after two calm minutes, or as many more as earlier steps back were too early.
 */
export function nextStrain(strain: Strain, stress: Stress, nowUs: number): Strain {
  const { steps, changedUs, patienceUs } = strain;
  const sinceUs = nowUs - changedUs;
  if (stress === "hot" || stress === "throttled") {
    const isDeeper = steps === 0 || (stress === "throttled" && steps < mostSteps && sinceUs >= effectUs);
    if (!isDeeper) return { ...strain, calmSinceUs: undefined };
    const isRegret = strain.wasBack && sinceUs < regretUs;
    return {
      steps: steps + 1,
      changedUs: nowUs,
      wasBack: false,
      calmSinceUs: undefined,
      patienceUs: isRegret ? Math.min(mostPatienceUs, 2 * patienceUs) : patienceUs,
    };
  }
  if (stress === "settling") return { ...strain, calmSinceUs: undefined };
  const calmSinceUs = strain.calmSinceUs ?? nowUs;
  if (nowUs - Math.max(calmSinceUs, changedUs) < patienceUs) return { ...strain, calmSinceUs };
  if (steps === 0) return { ...strain, calmSinceUs, patienceUs: leastPatienceUs };
  return { ...strain, steps: steps - 1, changedUs: nowUs, wasBack: true, calmSinceUs };
}

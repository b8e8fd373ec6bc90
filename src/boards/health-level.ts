import type { HealthLevel } from "../domain/health.ts";

/** From when on a value is bad, and how far it must go back to count as well again. */
export interface Limits {
  readonly bad: "above" | "below";
  /** Reached by the value itself, not only passed. */
  readonly warn?: number;
  readonly critical?: number;
  /** In the unit of the value; 0 where it has only a few values. */
  readonly hysteresis: number;
}

/** Judges a value; one that is near a threshold stays on the side where it was. */
export function judgeLevel(value: number, limits: Limits, before: HealthLevel): HealthLevel {
  const { bad, warn, critical, hysteresis } = limits;
  const sign = bad === "above" ? 1 : -1;
  const reaches = (threshold: number | undefined, isThere: boolean): boolean =>
    threshold !== undefined &&
    (sign * (value - threshold) >= 0 || (isThere && sign * (value - threshold) > -hysteresis));
  if (reaches(critical, before === "critical")) return "critical";
  return reaches(warn, before === "critical" || before === "warning") ? "warning" : "ok";
}

const order: readonly HealthLevel[] = ["unknown", "ok", "warning", "critical"];

/** The worst of them; `unknown` where nothing is known. */
export function worstLevel(levels: readonly HealthLevel[]): HealthLevel {
  return order[Math.max(0, ...levels.map((level) => order.indexOf(level)))] ?? "unknown";
}

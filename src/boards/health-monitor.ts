import { setTimeout as sleep } from "node:timers/promises";
import type { Health, HealthItem, HealthLevel } from "../domain/health.ts";
import { nowUs } from "../lib/clock.ts";
import { absent, unreadable } from "./gauge.ts";
import type { Gauge, Measure } from "./gauge.ts";
import { judgeLevel, worstLevel } from "./health-level.ts";
import { nextStrain, noStrain, stressOf } from "./strain.ts";
import type { StressSign } from "./strain.ts";

/** A sensor behind a slow bus takes milliseconds; one that takes this long hangs. */
const limitMs = 2000;

interface Watched {
  readonly gauge: Gauge;
  /** What was last known; a gauge that was never read counts as well. */
  level: HealthLevel;
  /** A read that has not come back: another one would take another thread of the few that there are. */
  pending: Promise<Measure> | undefined;
}

/** How the machine is, and the items of which a person should hear: their level is another than was last known. */
export interface HealthLook {
  readonly health: Health;
  readonly changed: readonly HealthItem[];
}

/** Looks at all gauges at once, and remembers what each look is judged by: the levels before, and the strain. */
export class HealthMonitor {
  readonly #watched: readonly Watched[];
  readonly #now: () => number;
  readonly #limitMs: number;
  #strain = noStrain;

  constructor(
    gauges: readonly Gauge[],
    options: { readonly now?: () => number; readonly limitMs?: number } = {},
  ) {
    this.#watched = gauges.map((gauge) => ({ gauge, level: "ok", pending: undefined }));
    this.#now = options.now ?? nowUs;
    this.#limitMs = options.limitMs ?? limitMs;
  }

  /** Resolves within two seconds, whatever hangs; never rejects. */
  async look(): Promise<HealthLook> {
    const measures = await this.#measure();
    const signs: StressSign[] = [];
    const changed: HealthItem[] = [];
    const items = this.#watched.map((watched, index): HealthItem => {
      const { gauge } = watched;
      const measure = measures[index] ?? absent;
      const level = levelOf(gauge, measure, watched.level);
      const item = describe(gauge, measure, level);
      signs.push(signOf(gauge, measure, level));
      if (level === "unknown" || level === watched.level) return item;
      watched.level = level;
      changed.push(item);
      return item;
    });
    this.#strain = nextStrain(this.#strain, stressOf(signs), this.#now());
    const level = worstLevel(items.map(({ level }) => level));
    return { health: { level, strain: this.#strain.steps, items }, changed };
  }

  async #measure(): Promise<readonly Measure[]> {
    const limit = new AbortController();
    const late = sleep(this.#limitMs, unreadable, { signal: limit.signal }).catch(() => unreadable);
    try {
      return await Promise.all(
        this.#watched.map(async (watched) => {
          const reading = (watched.pending ??= begin(watched));
          return await Promise.race([reading, late]);
        }),
      );
    } finally {
      limit.abort();
    }
  }
}

function begin(watched: Watched): Promise<Measure> {
  return watched.gauge
    .read()
    .catch(() => unreadable)
    .finally(() => (watched.pending = undefined));
}

function levelOf({ limits }: Gauge, measure: Measure, before: HealthLevel): HealthLevel {
  if (measure.kind === "text") return "ok";
  if (measure.kind !== "value") return "unknown";
  return limits === undefined ? "ok" : judgeLevel(measure.value, limits, before);
}

function signOf({ kind, limits }: Gauge, measure: Measure, level: HealthLevel): StressSign {
  const isBad = level === "warning" || level === "critical";
  const told = measure.kind === "value" ? measure : undefined;
  const warn = limits?.warn ?? limits?.critical;
  return {
    kind,
    level,
    isNow: told?.isNow ?? isBad,
    ...(told && { value: told.value }),
    ...(warn !== undefined && { warn }),
  };
}

function describe({ name, kind, advice }: Gauge, measure: Measure, level: HealthLevel): HealthItem {
  const isBad = level === "warning" || level === "critical";
  const common = { name, kind, level, advice: isBad ? advice : "" };
  switch (measure.kind) {
    case "value": {
      const value = Math.round(measure.value * 1000) / 1000;
      return { ...common, value, ...(isBad && { isNow: measure.isNow ?? true }), shown: measure.shown };
    }
    case "text":
      return { ...common, shown: measure.shown };
    case "absent":
      return { ...common, shown: "not known here" };
    case "unreadable":
      return { ...common, shown: "unreadable" };
  }
}

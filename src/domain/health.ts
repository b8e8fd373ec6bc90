/** How the machine that spotlive runs on is: the words that every surface shows. */

/** `unknown`: it is not told here, or cannot be read. */
export type HealthLevel = "ok" | "warning" | "critical" | "unknown";

/** Each with its unit: °C; flags and counters; a text; percent; MB; percent of its life; dBm; 1 or 0. */
export type HealthKind =
  | "temperature"
  | "throttling"
  | "undervoltage"
  | "power-mode"
  | "cpu"
  | "memory"
  | "pressure"
  | "disk"
  | "wear"
  | "wifi"
  | "clock";

/** One thing that was read. */
export interface HealthItem {
  /** Unique: `processor`, `supply voltage now`, `memory`. */
  readonly name: string;
  readonly kind: HealthKind;
  readonly level: HealthLevel;
  /** In the unit of its kind; absent for texts, and for what is not known. */
  readonly value?: number;
  /** Of what is bad: false where it was so since power-on and is no longer. */
  readonly isNow?: boolean;
  /** The value with its unit, for people. */
  readonly shown: string;
  /** What it means and what to do, without the value; empty while all is well. */
  readonly advice: string;
}

export interface Health {
  /** The worst of the items that are known. */
  readonly level: HealthLevel;
  /** Steps by which an encoder on this machine should do less than it could, 0 to 3: it is hot, or throttled. */
  readonly strain: number;
  /** Always the same ones, in the same order. */
  readonly items: readonly HealthItem[];
}

import type { HealthKind } from "../domain/health.ts";
import type { Limits } from "./health-level.ts";
import type { Root } from "./root.ts";

/** What one look at a gauge gave. */
export type Measure =
  | {
      readonly kind: "value";
      readonly value: number;
      readonly shown: string;
      /** It happens now, and is not only remembered; where absent, the level tells. */
      readonly isNow?: boolean;
    }
  | { readonly kind: "text"; readonly shown: string }
  /** This machine does not tell it. */
  | { readonly kind: "absent" }
  /** It is there, and gives nothing or nonsense. */
  | { readonly kind: "unreadable" };

/** One thing that can be read again and again. */
export interface Gauge {
  readonly name: string;
  readonly kind: HealthKind;
  /** Absent where no value is bad. */
  readonly limits?: Limits;
  /** What a bad value means and what to do about it. */
  readonly advice: string;
  /** Never rejects. */
  read(): Promise<Measure>;
}

export const absent: Measure = { kind: "absent" };
export const unreadable: Measure = { kind: "unreadable" };

/** Reads one file with a parser that gives undefined for nonsense. */
export async function measureFile(
  root: Root,
  path: string,
  parse: (text: string) => Measure | undefined,
): Promise<Measure> {
  const text = await root.text(path);
  if (text !== undefined) return parse(text) ?? unreadable;
  return (await root.stamp(path)) === undefined ? absent : unreadable;
}

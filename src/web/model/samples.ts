import type { Sample } from "../../domain/sample.ts";

/** Ten minutes, one sample a second. */
export const keptMs = 600_000;

/** Joins two runs of samples in the order of their times, without doubles, and keeps the last ten minutes. */
export function addSamples(older: readonly Sample[], newer: readonly Sample[]): readonly Sample[] {
  const last = older.at(-1)?.t ?? Number.NEGATIVE_INFINITY;
  const isInOrder = newer.every(({ t }, index) => t > (newer[index - 1]?.t ?? last));
  const all = isInOrder
    ? [...older, ...newer]
    : [...new Map([...older, ...newer].map((sample) => [sample.t, sample])).values()].toSorted(
        (a, b) => a.t - b.t,
      );
  const from = (all.at(-1)?.t ?? 0) - keptMs;
  return all.filter(({ t }) => t > from);
}

/** Numbers that a graph takes; null where nothing is known. */
export type Column = readonly (number | null)[];

/** Seconds of the samples, with one empty moment in each gap, so that no line is drawn across what is not known. */
export function toColumns(
  samples: readonly Sample[],
  series: readonly ((sample: Sample) => number | null)[],
): readonly [readonly number[], ...Column[]] {
  const times: number[] = [];
  const columns = series.map((): (number | null)[] => []);
  let before: number | undefined;
  for (const sample of samples) {
    const seconds = sample.t / 1000;
    if (before !== undefined && seconds - before > 5) {
      times.push(before + 1);
      for (const column of columns) column.push(null);
    }
    times.push(seconds);
    for (const [index, column] of columns.entries()) column.push(series[index]?.(sample) ?? null);
    before = seconds;
  }
  return [times, ...columns];
}

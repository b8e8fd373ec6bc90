import type { Status } from "../domain/status.ts";

/** Judges whether the line moves, from statuses that are taken now and then. */
export interface ProgressWatch {
  /** False when something that has to change has not changed for the limit. */
  advances(status: Status, nowUs: number): boolean;
}

/**
 * Looks at what a hung program would leave standing, not at whether it runs: the pictures in and out while the line
 * says `live` (or out, while it says `holding`), and phases through which the supervisor's loop always goes on at once. Waiting is not standing still:
 * a robot that is off for a week is no reason to restart.
 */
export function createProgressWatch(limitMs: number): ProgressWatch {
  let marks = new Map<string, { readonly value: number; readonly sinceUs: number }>();
  return {
    advances(status, nowUs) {
      const known = marks;
      marks = new Map();
      for (const [name, value] of Object.entries(marksOf(status))) {
        const before = known.get(name);
        marks.set(name, before?.value === value ? before : { value, sinceUs: nowUs });
      }
      return [...marks.values()].every(({ sinceUs }) => nowUs - sinceUs <= limitMs * 1000);
    },
  };
}

/** Numbers that must not stay the same for long; which there are depends on the phase. */
function marksOf({ phase, desired, source, outputs }: Status): Readonly<Record<string, number>> {
  switch (phase) {
    case "live":
      if (desired === "idle") return { "live though wanted idle": 0 };
      return { received: source.counters?.units ?? 0, sent: picturesSent(outputs) };
    case "holding":
      if (desired === "idle") return { "holding though wanted idle": 0 };
      return { sent: picturesSent(outputs) };
    case "stopping":
      return { stopping: 0 };
    case "starting":
    case "retrying":
      return desired === "idle" ? { "working though wanted idle": 0 } : {};
    case "idle":
      return desired === "live" ? { "idle though wanted live": 0 } : {};
  }
}

function picturesSent(outputs: Status["outputs"]): number {
  const running = outputs.filter(({ state }) => state === "running");
  return running.reduce((sum, { counters }) => sum + (counters?.units ?? 0), 0);
}

import { bootMarkNames } from "../domain/boot.ts";
import type { BootMarkName, BootMarks } from "../domain/boot.ts";
import type { Report, Status } from "../domain/status.ts";

/** What this run of the program has come to, besides the marks of the power-on. */
export interface RunProgress {
  /** Seconds since power-on when it began. */
  readonly started: number;
  /** When each output was accepted first, by its name; seconds since power-on. */
  readonly ingests: Readonly<Record<string, number>>;
  /** How each link last ended up; while it is tried again, that stays as it was. */
  readonly links: Readonly<Record<string, string>>;
}

export interface BootMarker {
  readonly listen: Report;
  progress(): RunProgress;
}

/** Notes from what is reported what is reached for the first time, and reports that as a mark. */
export function createBootMarker(uptimeSeconds: () => number, report: Report): BootMarker {
  const started = uptimeSeconds();
  const ingests: Record<string, number> = {};
  const links: Record<string, string> = {};
  const reached = new Set<BootMarkName>();
  const reach = (name: BootMarkName): void => {
    if (reached.has(name)) return;
    reached.add(name);
    report({ type: "boot-mark", name, seconds: tenths(uptimeSeconds()) });
  };
  return {
    listen(event) {
      // Those of an earlier run since this power-on, too.
      if (event.type === "boot-mark") reached.add(event.name);
      if ((event.type === "source" || event.type === "output") && event.state !== "connecting")
        links[`${event.type} ${event.name}`] = `${event.state} ${event.fault?.code ?? ""}`;
      if (event.type === "source" && event.state === "running") reach("robot");
      if (event.type === "source-progress" && event.counters.packets + event.counters.units > 0)
        reach("first-packet");
      if (event.type === "output" && event.state === "running") {
        ingests[event.name] ??= tenths(uptimeSeconds());
        reach("rtmp-accepted");
      }
    },
    progress: () => ({ started, ingests: { ...ingests }, links: { ...links } }),
  };
}

/** Nobody waits for less than a tenth of a second. */
export const tenths = (seconds: number): number => Math.round(seconds * 10) / 10;

/** `kernel 0.0 s, ready 12.3 s`: those that were reached, in their order. */
export function marksText(marks: BootMarks): string {
  return bootMarkNames
    .flatMap((name) => {
      const seconds = marks[name];
      return seconds === undefined ? [] : [`${name} ${seconds.toFixed(1)} s`];
    })
    .join(", ");
}

/**
 * Changes with every stage, and with nothing that changes all the time: temperatures, rates, signal strengths, one
 * more attempt that fails like the last.
 */
export function stageOf({ phase, health, boot }: Status, progress: RunProgress, facts: unknown): string {
  const state = phase === "starting" || phase === "retrying" ? "trying" : phase;
  return JSON.stringify([state, health?.items.map(({ level }) => level), boot, progress, facts]);
}

import type { Report, Status } from "../domain/status.ts";

/** When something was reached for the first time since this program began, seconds since power-on. */
export interface BootMarks {
  readonly started: number;
  readonly robot?: number;
  readonly firstPacket?: number;
  /** By the names of the outputs. */
  readonly ingests: Readonly<Record<string, number>>;
  /** How each link last ended up; while it is tried again, that stays as it was. */
  readonly links: Readonly<Record<string, string>>;
}

export interface BootMarker {
  readonly listen: Report;
  marks(): BootMarks;
}

/** Notes them from what is reported. */
export function createBootMarker(uptimeSeconds: () => number): BootMarker {
  const started = uptimeSeconds();
  const ingests: Record<string, number> = {};
  const links: Record<string, string> = {};
  let robot: number | undefined;
  let firstPacket: number | undefined;
  return {
    listen(event) {
      if ((event.type === "source" || event.type === "output") && event.state !== "connecting")
        links[`${event.type} ${event.name}`] = `${event.state} ${event.fault?.code ?? ""}`;
      if (event.type === "source" && event.state === "running") robot ??= uptimeSeconds();
      if (event.type === "source-progress" && event.counters.packets + event.counters.units > 0)
        firstPacket ??= uptimeSeconds();
      if (event.type === "output" && event.state === "running") ingests[event.name] ??= uptimeSeconds();
    },
    marks: () => ({
      started,
      ...(robot !== undefined && { robot }),
      ...(firstPacket !== undefined && { firstPacket }),
      ingests: { ...ingests },
      links: { ...links },
    }),
  };
}

/**
 * Changes with every stage, and with nothing that changes all the time: temperatures, rates, signal strengths, one
 * more attempt that fails like the last.
 */
export function stageOf({ phase, health }: Status, marks: BootMarks, facts: unknown): string {
  const state = phase === "starting" || phase === "retrying" ? "trying" : phase;
  return JSON.stringify([state, health?.items.map(({ level }) => level), marks, facts]);
}

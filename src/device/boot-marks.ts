import type { Report, Status } from "../domain/status.ts";

/** When something was reached for the first time since this program began, seconds since power-on. */
export interface BootMarks {
  readonly started: number;
  readonly robot?: number;
  readonly firstPacket?: number;
  /** By the names of the outputs. */
  readonly ingests: Readonly<Record<string, number>>;
}

export interface BootMarker {
  readonly listen: Report;
  marks(): BootMarks;
}

/** Notes them from what is reported. */
export function createBootMarker(uptimeSeconds: () => number): BootMarker {
  const started = uptimeSeconds();
  const ingests: Record<string, number> = {};
  let robot: number | undefined;
  let firstPacket: number | undefined;
  return {
    listen(event) {
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
    }),
  };
}

/** Changes with every stage, and with nothing that changes all the time (temperatures, rates, signal strengths). */
export function stageOf(status: Status, marks: BootMarks, facts: unknown): string {
  const links = [status.source, ...status.outputs].map(({ name, state, fault }) => [
    name,
    state,
    fault?.code,
  ]);
  const health = status.health?.items.map(({ level }) => level);
  return JSON.stringify([status.phase, links, health, marks, facts]);
}

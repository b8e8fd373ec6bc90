import type { Command, CommandRequest, Result } from "../../../../src/domain/command.ts";
import { Fault, summarize } from "../../../../src/domain/fault.ts";
import type { Report, Status } from "../../../../src/domain/status.ts";
import { nowUs } from "../../../../src/lib/clock.ts";
import { createLog, createMask } from "../../../../src/lib/log.ts";
import type { SurfaceContext } from "../../../../src/control/surface.ts";

export const idleStatus: Status = {
  phase: "idle",
  reason: "Nothing was started yet.",
  desired: "idle",
  locked: false,
  settings: { destinations: ["main"], bitrateCap: null, audio: "silent" },
  camera: {
    can: ["bitrate", "idr", "ptz", "screens", "lights"],
    position: { pan: 90, tilt: 0, zoom: 1 },
    screens: ["mech", "digi"],
    screen: "mech",
    presets: ["door"],
    lights: 0,
  },
  sinceSeconds: 61,
  source: { name: "spot", state: "idle", fps: 0, bitsPerSecond: 0 },
  path: "copy",
  outputs: [],
  notices: [],
};

/** What stands behind a surface: carries out each id once, as the supervisor does. */
export interface Line {
  readonly context: SurfaceContext;
  /** Everything that was handed in, also what was not carried out. */
  readonly requests: readonly CommandRequest[];
  /** What was carried out, in order. */
  readonly effects: readonly Command[];
  readonly logged: readonly {
    readonly level: string;
    readonly msg: string;
    readonly code?: string;
    readonly retryInMs?: number;
  }[];
  readonly logText: () => string;
  change(status: Partial<Status>): void;
  report: Report;
}

export function createLine(): Line {
  const requests: CommandRequest[] = [];
  const effects: Command[] = [];
  const lines: string[] = [];
  const answered = new Map<string, Result>();
  const listeners = new Set<Report>();
  let status = idleStatus;
  const log = createLog({
    level: "debug",
    mask: createMask(),
    destination: { write: (line) => lines.push(line) },
  });
  const report: Report = (event) => {
    for (const listener of listeners) listener(event);
  };
  const change = (next: Partial<Status>): void => {
    status = { ...status, ...next };
    report({ type: "phase", phase: status.phase, reason: status.reason });
  };
  const carryOut = ({ id, command, expiresAt }: CommandRequest): Result => {
    if (expiresAt !== undefined && nowUs() > expiresAt) {
      const fault = new Fault("expired", "The command came too late.");
      return { ok: false, id, fault: summarize(fault) };
    }
    effects.push(command);
    if (command.kind === "start") change({ phase: "live", desired: "live", reason: "Live on main." });
    if (command.kind === "stop") change({ phase: "idle", desired: "idle", reason: "Stopped." });
    if (command.kind === "lock" || command.kind === "unlock")
      status = { ...status, locked: command.kind === "lock" };
    return { ok: true, id, status };
  };
  return {
    requests,
    effects,
    get logged() {
      return lines.map((line) => JSON.parse(line));
    },
    logText: () => lines.join(""),
    change,
    report,
    context: {
      log,
      status: () => status,
      subscribe(listener, signal) {
        listeners.add(listener);
        signal.addEventListener("abort", () => listeners.delete(listener), { once: true });
      },
      submit(request) {
        requests.push(request);
        const result = answered.get(request.id) ?? carryOut(request);
        answered.set(request.id, result);
        return Promise.resolve(result);
      },
    },
  };
}

import pino from "pino";
import type { CommandRequest, Result } from "../../../../src/domain/command.ts";
import type { FaultSummary } from "../../../../src/domain/fault.ts";
import type { Status } from "../../../../src/domain/status.ts";
import type { SurfaceContext } from "../../../../src/control/surface.ts";
import type { ChatMessage, Tier } from "../../../../src/control/chat/message.ts";

/** A line that does what it is told at once, and remembers what it was told. */
export interface MemoryContext extends SurfaceContext {
  readonly requests: CommandRequest[];
  /** What was written into the log. */
  readonly logged: string[];
  /** Changes what `status()` gives. */
  set(change: Partial<Status>): void;
  /** Makes every further request fail. */
  refuse(fault: FaultSummary): void;
}

const idle: Status = {
  phase: "live",
  reason: "The robot 192.168.80.3 is streaming.",
  desired: "live",
  locked: false,
  settings: { destinations: ["main"], bitrateCap: null, audio: "silent" },
  camera: { can: ["ptz", "screens", "lights"], presets: ["Dock", "door"], screens: ["mech_full"] },
  sinceSeconds: 65,
  source: { name: "spot", state: "running", fps: 29.97, bitsPerSecond: 4_200_000 },
  picture: { width: 1280, height: 720, profile: "Baseline" },
  path: "copy",
  outputs: [{ name: "main", state: "running" }],
  notices: [],
};

export function memoryContext(): MemoryContext {
  const requests: CommandRequest[] = [];
  const logged: string[] = [];
  let status = idle;
  let refusal: FaultSummary | undefined;
  return {
    requests,
    logged,
    set: (change) => {
      status = { ...status, ...change };
    },
    refuse: (fault) => {
      refusal = fault;
    },
    status: () => status,
    subscribe: () => {},
    log: pino({ level: "trace" }, { write: (line: string) => void logged.push(line) }),
    submit: async (request): Promise<Result> => {
      requests.push(request);
      const { id, command } = request;
      if (refusal !== undefined) return { ok: false, id, fault: refusal };
      if (command.kind === "lock" || command.kind === "unlock")
        status = { ...status, locked: command.kind === "lock" };
      return { ok: true, id, status };
    },
  };
}

let lines = 0;

/** A line of chat by somebody; `ada` is everybody's first name. */
export function line(text: string, about: Partial<ChatMessage> = {}): ChatMessage {
  lines += 1;
  const userName = about.userName ?? "ada";
  return {
    id: `line-${lines}`,
    userId: `id-${userName}`,
    userName,
    tier: "everyone",
    text,
    ours: true,
    ...about,
  };
}

export function by(userName: string, tier: Tier, text: string): ChatMessage {
  return line(text, { userName, tier });
}

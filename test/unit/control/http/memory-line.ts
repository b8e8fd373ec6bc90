import type { SurfaceContext } from "../../../../src/control/surface.ts";
import type { CommandRequest, Result } from "../../../../src/domain/command.ts";
import type { Report, Status } from "../../../../src/domain/status.ts";
import { createEventBus } from "../../../../src/lib/events.ts";
import { createLog, createMask } from "../../../../src/lib/log.ts";

/** A status with every field that there is; the compiler says when one is missing. */
export const fullStatus: Complete<Status> = {
  phase: "live",
  reason: "Live on main.",
  desired: "live",
  locked: false,
  settings: { destinations: ["main"], bitrateCap: null, audio: "silent" },
  camera: {
    can: ["bitrate", "idr", "ptz", "screens", "lights"],
    position: { pan: 10, tilt: -5, zoom: 2 },
    screens: ["main"],
    screen: "main",
    presets: ["door"],
    lights: 0.5,
  },
  sinceSeconds: 12,
  source: {
    name: "spot",
    state: "running",
    fault: { code: "connection-lost", message: "The camera was lost.", retryable: true },
    retryInMs: 500,
    counters: {
      units: 300,
      keyframes: 10,
      bytes: 4_000_000,
      packets: 4000,
      lostPackets: 1,
      recoveredPackets: 2,
      discardedPackets: 3,
      droppedUnits: 4,
      restarts: 5,
      keyframeRequests: 6,
    },
    fps: 29.9,
    bitsPerSecond: 4_000_000,
  },
  picture: { width: 1920, height: 1080, profile: "High" },
  health: {
    level: "warning",
    strain: 1,
    items: [
      {
        name: "processor",
        kind: "temperature",
        level: "warning",
        value: 77.5,
        isNow: true,
        shown: "78 °C",
        advice: "Give the board air.",
      },
    ],
  },
  boot: {
    ...{ kernel: 0, adopted: 5.1, ready: 7.2, robot: 9.1 },
    ...{ "first-packet": 9.8, "rtmp-accepted": 10.4 },
  },
  path: "copy",
  verdict: {
    kind: "ask-camera",
    destination: "Twitch",
    findings: [{ rule: "bit-rate", remedy: "camera", text: "8.00 Mbit/s; Twitch takes up to 6.00." }],
    ask: { targetBitrate: 5_400_000, idrInterval: 60, refreshInterval: 60 },
  },
  rate: { target: 4_000_000, ceiling: 5_400_000, reason: "As much as the uplink to main carries." },
  outputs: [
    {
      name: "main",
      state: "running",
      fault: { code: "output-closed", message: "Closed.", retryable: true },
      retryInMs: 100,
      counters: {
        units: 290,
        bytes: 3_900_000,
        unsentBytes: 1000,
        acknowledgedBytes: 3_800_000,
        latencyUs: { p50: 900, p99: 4000 },
      },
      queue: { units: 1, bytes: 2000, milliseconds: 33, droppedUnits: 7 },
      uplink: { delayMs: 40, roundTripMs: 20, capacity: 5_200_000 },
    },
  ],
  notices: ["The camera began a new stream."],
};

type Complete<Value> = Value extends readonly (infer Item)[]
  ? readonly Complete<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value]-?: Complete<Exclude<Value[Key], undefined>> }
    : Value;

export const idleStatus: Status = {
  phase: "idle",
  reason: "Nothing was started yet.",
  desired: "idle",
  locked: false,
  settings: { destinations: ["main"], bitrateCap: null, audio: "silent" },
  sinceSeconds: 1,
  source: { name: "spot", state: "idle", fps: 0, bitsPerSecond: 0 },
  path: "copy",
  outputs: [{ name: "main", state: "idle" }],
  notices: [],
};

export interface MemoryLine {
  readonly context: SurfaceContext;
  /** What was submitted. */
  readonly requests: CommandRequest[];
  /** What was logged, a line each. */
  readonly lines: string[];
  readonly report: Report;
  /** What the next status is. */
  status: Status;
  /** What the next commands give. */
  answer: (request: CommandRequest) => Promise<Result>;
}

/** Stands for what is behind a surface: remembers requests and gives the status that the test sets. */
export function createMemoryLine(): MemoryLine {
  const { report, subscribe } = createEventBus();
  const lines: string[] = [];
  const log = createLog({
    level: "debug",
    mask: createMask(),
    destination: { write: (line) => void lines.push(line) },
  });
  const line: MemoryLine = {
    context: {
      submit(request) {
        line.requests.push(request);
        return line.answer(request);
      },
      status: () => line.status,
      subscribe,
      log,
    },
    requests: [],
    lines,
    report,
    status: idleStatus,
    answer: ({ id }) => Promise.resolve({ ok: true, id, status: line.status }),
  };
  return line;
}

import type { BootMarks } from "../domain/boot.ts";
import type { CameraState } from "../domain/camera.ts";
import type { FaultSummary } from "../domain/fault.ts";
import type { Health } from "../domain/health.ts";
import type {
  LinkStatus,
  OutputCounters,
  Path,
  Phase,
  QueueCounters,
  RateStatus,
  SourceCounters,
  Status,
  StatusEvent,
  UplinkStatus,
} from "../domain/status.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { Remembered } from "./memory.ts";

interface LinkRecord {
  state: LinkStatus["state"];
  fault?: FaultSummary;
  retryInMs?: number;
}

interface OutputRecord extends LinkRecord {
  counters?: OutputCounters;
  queue?: QueueCounters;
  uplink?: UplinkStatus;
}

interface Rate {
  readonly atUs: number;
  readonly units: number;
  readonly bytes: number;
}

const keptNotices = 20;
/** Rates are measured over this many one-second reports. */
const rateWindow = 4;

/** Folds events into the one status that every surface shows, and says which phase the states amount to. */
export class StatusBoard {
  readonly #outputs = new Map<string, OutputRecord>();
  #source: { name: string } & LinkRecord & { counters?: SourceCounters } = { name: "", state: "idle" };
  #picture: Status["picture"];
  #camera: CameraState | undefined;
  #health: Health | undefined;
  #path: Path = "copy";
  #verdict: Verdict | undefined;
  #rate: RateStatus | undefined;
  /** Why the last picture is held, while it is. */
  #holding: string | undefined;
  #boot: BootMarks | undefined;
  #notices: string[] = [];
  #rates: Rate[] = [];
  #phase: Phase = "idle";
  #reason = "Nothing was started yet.";
  #sinceUs = 0;

  get phase(): Phase {
    return this.#phase;
  }

  apply(event: StatusEvent, nowUs: number): void {
    switch (event.type) {
      case "phase":
        if (event.phase !== this.#phase) this.#sinceUs = nowUs;
        if (event.phase === "idle") this.#endSession();
        this.#phase = event.phase;
        this.#reason = event.reason;
        break;
      case "source":
        this.#source = {
          name: event.name,
          ...keep(this.#source.counters, "counters"),
          ...readLink(event, this.#source.fault),
        };
        if (event.state !== "running") this.#rates = [];
        break;
      case "source-progress":
        this.#source.counters = event.counters;
        this.#rates.push({ atUs: nowUs, units: event.counters.units, bytes: event.counters.bytes });
        if (this.#rates.length > rateWindow) this.#rates.shift();
        break;
      case "output": {
        const known = this.#outputs.get(event.name);
        this.#outputs.set(event.name, {
          ...keep(known?.counters, "counters"),
          ...keep(known?.queue, "queue"),
          ...(event.state === "running" && keep(known?.uplink, "uplink")),
          ...readLink(event, known?.fault),
        });
        break;
      }
      case "output-progress":
        this.#outputs.set(event.name, { ...this.#known(event.name), counters: event.counters });
        break;
      case "output-queue":
        this.#outputs.set(event.name, { ...this.#known(event.name), queue: event.queue });
        break;
      case "uplink":
        this.#outputs.set(event.name, { ...this.#known(event.name), uplink: event.uplink });
        break;
      case "verdict":
        this.#verdict = event.verdict;
        break;
      case "path":
        this.#path = event.path;
        break;
      case "rate":
        this.#rate = event.rate;
        break;
      case "hold":
        this.#holding = event.holding ? event.reason : undefined;
        break;
      case "picture":
        this.#picture = { width: event.width, height: event.height, profile: event.profile };
        break;
      case "camera":
        this.#camera = event.camera;
        break;
      case "health":
        this.#health = event.health;
        break;
      case "boot-mark":
        this.#boot = {
          ...this.#boot,
          [event.name]: Math.min(event.seconds, this.#boot?.[event.name] ?? Infinity),
        };
        break;
      case "settings":
      case "lock":
        break; // both are in what is remembered
      case "notice":
        this.#notices = [...this.#notices.filter((text) => text !== event.text), event.text].slice(
          -keptNotices,
        );
        break;
    }
  }

  /** The phase that the states of source and outputs amount to while the line is wanted live, with its reason. */
  judge(): { readonly phase: Phase; readonly reason: string } {
    const outputs = [...this.#outputs].filter(([, { state }]) => state !== "idle");
    const running = outputs.filter(([, { state }]) => state === "running");
    const isHolding = this.#holding !== undefined;
    if (this.#source.state === "running" && running.length > 0 && !isHolding) {
      const others = outputs.length - running.length;
      const rest = others === 0 ? "" : `; ${others} of ${outputs.length} outputs not`;
      return { phase: "live", reason: `Live on ${running.map(([name]) => name).join(", ")}${rest}.` };
    }
    if (isHolding && running.length > 0) {
      const why = this.#source.fault === undefined ? "" : ` ${this.#source.fault.message}`;
      return { phase: "holding", reason: `${this.#holding}${why}` };
    }
    const { counters } = this.#source;
    const wasLive = this.#phase === "live" || this.#phase === "holding" || this.#phase === "retrying";
    if (this.#source.state === "running" && counters !== undefined && counters.keyframes === 0) {
      return {
        phase: this.#phase === "live" ? "retrying" : "starting",
        reason: "The camera sends pictures but no keyframe (IDR) yet, so nobody can begin to watch.",
      };
    }
    const failing = [this.#source, ...this.#outputs.values()].find(({ fault }) => fault !== undefined);
    if (failing?.fault !== undefined) return { phase: "retrying", reason: failing.fault.message };
    if (wasLive) {
      return {
        phase: "retrying",
        reason: this.#source.state === "running" ? "Waiting for an output." : "Waiting for the camera.",
      };
    }
    return {
      phase: "starting",
      reason: this.#source.state === "running" ? "Connecting to the outputs." : "Connecting to the camera.",
    };
  }

  read({ desired, locked, settings }: Remembered, nowUs: number): Status {
    const [first, last] = [this.#rates[0], this.#rates.at(-1)];
    const seconds = first === undefined || last === undefined ? 0 : (last.atUs - first.atUs) / 1_000_000;
    const perSecond = (count: (rate: Rate) => number): number =>
      first === undefined || last === undefined || seconds === 0 ? 0 : (count(last) - count(first)) / seconds;
    return {
      phase: this.#phase,
      reason: this.#reason,
      desired,
      locked,
      settings,
      ...keep(this.#camera, "camera"),
      sinceSeconds: Math.round((nowUs - this.#sinceUs) / 1_000_000),
      source: {
        ...this.#source,
        fps: Math.round(perSecond(({ units }) => units) * 10) / 10,
        bitsPerSecond: Math.round(perSecond(({ bytes }) => bytes) * 8),
      },
      ...keep(this.#picture, "picture"),
      path: this.#path,
      ...keep(this.#verdict, "verdict"),
      ...keep(this.#rate, "rate"),
      outputs: [...this.#outputs].map(([name, output]) => ({ name, ...output })),
      ...keep(this.#health, "health"),
      ...keep(this.#boot, "boot"),
      notices: this.#notices,
    };
  }

  /** What was true of the session that has ended. */
  #endSession(): void {
    this.#path = "copy";
    this.#verdict = undefined;
    this.#rate = undefined;
    this.#holding = undefined;
  }

  #known(name: string): OutputRecord {
    return this.#outputs.get(name) ?? { state: "idle" };
  }
}

/** While it is being tried again, what went wrong last is still the answer to "why not live?". */
function readLink(
  event: Extract<StatusEvent, { type: "source" | "output" }>,
  lastFault: FaultSummary | undefined,
): LinkRecord {
  const fault = event.fault ?? (event.state === "connecting" ? lastFault : undefined);
  return { state: event.state, ...keep(fault, "fault"), ...keep(event.retryInMs, "retryInMs") };
}

function keep<Value, Key extends string>(value: Value | undefined, key: Key): Partial<Record<Key, Value>> {
  return value === undefined ? {} : ({ [key]: value } as Record<Key, Value>);
}

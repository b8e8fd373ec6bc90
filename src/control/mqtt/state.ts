import type { BootMarkName, BootMarks } from "../../domain/boot.ts";
import type { HealthKind, HealthLevel } from "../../domain/health.ts";
import type { Status } from "../../domain/status.ts";
import { everyDestination } from "./plain-commands.ts";

type Switch = "ON" | "OFF";

/** What is published on `state`, whenever it changes. */
export interface LineState {
  readonly version: string;
  /** What is wanted. */
  readonly stream: Switch;
  /** What is. */
  readonly live: Switch;
  readonly phase: Status["phase"];
  /** Why this phase; at most 255 characters, which is what Home Assistant keeps. */
  readonly reason: string;
  readonly problem: Switch;
  /** The camera's stream arrives. */
  readonly robot: Switch;
  readonly locked: Switch;
  /** The one destination, `all`, or null for several of many. */
  readonly destination: string | null;
  readonly destinations: readonly string[];
  readonly audio: Status["settings"]["audio"];
  /** kbit/s; 0: no cap. */
  readonly bitrateCap: number;
  readonly picture: string | null;
  readonly path: Status["path"];
  /** What was judged of the camera's stream: `copy`, `ask-camera` or `transcode`; null until it was. */
  readonly verdict: string | null;
  readonly source: LinkSummary;
  readonly outputs: readonly LinkSummary[];
  readonly camera: CameraSummary | null;
  /** How the machine is; null while nothing is known of it. */
  readonly health: Exclude<HealthLevel, "unknown"> | null;
  /** What is wrong with it and what to do, without values, so that it changes seldom. */
  readonly healthAdvice: string | null;
  /** Whether the supply is too weak now; null where that is not told. */
  readonly undervoltage: Switch | null;
  readonly throttled: Switch | null;
  readonly notice: string | null;
}

interface LinkSummary {
  readonly name: string;
  readonly state: Status["source"]["state"];
  /** The code of what is wrong. */
  readonly fault: string | null;
}

interface CameraSummary {
  readonly pan: number | null;
  readonly tilt: number | null;
  readonly zoom: number | null;
  readonly screen: string | null;
  /** Percent. */
  readonly lights: number | null;
}

/** What is published on `telemetry`, at most once a second. Counters begin at 0 with each session. */
export interface Telemetry {
  readonly fps: number;
  /** kbit/s. */
  readonly bitrate: number;
  /** Pictures that were lost on the way in or dropped before an output. */
  readonly droppedPictures: number;
  readonly lostPackets: number;
  /** Milliseconds of media that wait before the slowest output. */
  readonly queueDelay: number;
  /** kbit/s asked of the encoder; 0 where it cannot be set. */
  readonly targetBitrate: number;
  /** Whole minutes since the phase began. */
  readonly phaseMinutes: number;
  /** Of the hottest sensor, whole °C; null where none is known, as for all of these. */
  readonly temperature: number | null;
  /** Percent. */
  readonly processorUse: number | null;
  readonly memoryAvailable: number | null;
  /** MB free for the state directory. */
  readonly diskFree: number | null;
  /** dBm. */
  readonly wifiSignal: number | null;
}

/** What is published on `boot`: seconds since power-on, null where it was not reached yet. */
export interface BootTimes {
  readonly kernel: number | null;
  /** The boot file was taken over. */
  readonly adopted: number | null;
  /** The service runs. */
  readonly ready: number | null;
  readonly robot: number | null;
  /** The first packet of the picture came. */
  readonly firstPacket: number | null;
  /** The first ingest took the stream. */
  readonly rtmpAccepted: number | null;
}

export function bootTimesOf(marks: BootMarks): BootTimes {
  const at = (name: BootMarkName): number | null => marks[name] ?? null;
  return {
    kernel: at("kernel"),
    adopted: at("adopted"),
    ready: at("ready"),
    robot: at("robot"),
    firstPacket: at("first-packet"),
    rtmpAccepted: at("rtmp-accepted"),
  };
}

export function stateOf(
  status: Status,
  options: { readonly version: string; readonly destinations: readonly string[] },
): LineState {
  const { settings, source, outputs, picture } = status;
  const faulty = [source, ...outputs].some(({ fault }) => fault !== undefined);
  return {
    version: options.version,
    stream: onOff(status.desired === "live"),
    live: onOff(status.phase === "live" || status.phase === "holding"),
    phase: status.phase,
    reason: status.reason.slice(0, 255),
    problem: onOff(
      status.phase === "retrying" || status.phase === "holding" || (status.desired === "live" && faulty),
    ),
    robot: onOff(source.state === "running"),
    locked: onOff(status.locked),
    destination: chosenDestination(settings.destinations, options.destinations),
    destinations: settings.destinations,
    audio: settings.audio,
    bitrateCap: settings.bitrateCap === null ? 0 : Math.round(settings.bitrateCap / 1000),
    picture: picture === undefined ? null : `${picture.width}x${picture.height}`,
    path: status.path,
    verdict: status.verdict?.kind ?? null,
    source: summarize(source),
    outputs: outputs.map(summarize),
    camera: summarizeCamera(status.camera),
    ...summarizeHealth(status.health),
    notice: status.notices.at(-1)?.slice(0, 255) ?? null,
  };
}

export function telemetryOf({ source, outputs, rate, sinceSeconds, health }: Status): Telemetry {
  const queues = outputs.map(({ queue }) => queue);
  const dropped = queues.reduce((sum, queue) => sum + (queue?.droppedUnits ?? 0), 0);
  return {
    fps: Math.round(source.fps * 10) / 10,
    bitrate: Math.round(source.bitsPerSecond / 1000),
    droppedPictures: (source.counters?.droppedUnits ?? 0) + dropped,
    lostPackets: source.counters?.lostPackets ?? 0,
    queueDelay: Math.round(Math.max(0, ...queues.map((queue) => queue?.milliseconds ?? 0))),
    targetBitrate: Math.round((rate?.target ?? 0) / 1000),
    phaseMinutes: Math.floor(sinceSeconds / 60),
    temperature: greatest(health, "temperature"),
    processorUse: greatest(health, "cpu"),
    memoryAvailable: greatest(health, "memory"),
    diskFree: greatest(health, "disk"),
    wifiSignal: greatest(health, "wifi"),
  };
}

function onOff(on: boolean): Switch {
  return on ? "ON" : "OFF";
}

function chosenDestination(chosen: readonly string[], all: readonly string[]): string | null {
  const [only, ...others] = chosen;
  if (only !== undefined && others.length === 0) return only;
  return all.length > 1 && all.every((name) => chosen.includes(name)) ? everyDestination : null;
}

function summarize({ name, state, fault }: Status["source"] | Status["outputs"][number]): LinkSummary {
  return { name, state, fault: fault?.code ?? null };
}

function summarizeCamera(camera: Status["camera"]): CameraSummary | null {
  if (camera === undefined) return null;
  const { position, screen, lights } = camera;
  return {
    pan: rounded(position?.pan),
    tilt: rounded(position?.tilt),
    zoom: rounded(position?.zoom),
    screen: screen ?? null,
    lights: lights === undefined ? null : Math.round(lights * 100),
  };
}

function summarizeHealth(
  health: Status["health"],
): Pick<LineState, "health" | "healthAdvice" | "undervoltage" | "throttled"> {
  const advice = health?.items.filter(({ advice }) => advice !== "") ?? [];
  const isNow = (kind: HealthKind): Switch | null => {
    const known = health?.items.filter((item) => item.kind === kind && item.level !== "unknown") ?? [];
    if (known.length === 0) return null;
    return onOff(known.some(({ isNow }) => isNow === true));
  };
  return {
    health: health === undefined || health.level === "unknown" ? null : health.level,
    healthAdvice:
      advice
        .map(({ name, advice }) => `${name}: ${advice}`)
        .join(" ")
        .slice(0, 255) || null,
    undervoltage: isNow("undervoltage"),
    throttled: isNow("throttling"),
  };
}

function greatest(health: Status["health"], kind: HealthKind): number | null {
  const values = health?.items.flatMap((item) => (item.kind === kind ? (item.value ?? []) : [])) ?? [];
  return values.length === 0 ? null : Math.round(Math.max(...values));
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value * 10) / 10;
}

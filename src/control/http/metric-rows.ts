import { bootMarkNames } from "../../domain/boot.ts";
import type { HealthKind, HealthLevel } from "../../domain/health.ts";
import type {
  OutputCounters,
  QueueCounters,
  SourceCounters,
  Status,
  UplinkStatus,
} from "../../domain/status.ts";
import type { PreviewCounters } from "../../domain/preview.ts";
import type { Feed } from "./feed.ts";

export interface MetricSources {
  readonly status: Status;
  readonly feed: Feed;
  /** Absent where there is no preview. */
  readonly preview: PreviewCounters | undefined;
}

/** A value with the name of the source or output it belongs to; an undefined value is left out. */
type Sample = readonly [value: number | undefined, name?: string];

export interface Row {
  /** Without `spotlive_`; in base units, `_total` for what only grows. */
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge";
  readonly label?: "source" | "output" | "reading" | "mark";
  read(sources: MetricSources): readonly Sample[];
}

const number = (value: boolean): number => (value ? 1 : 0);

const line = (name: string, help: string, read: (status: Status) => number | undefined): Row => ({
  name,
  help,
  kind: "gauge",
  read: ({ status }) => [[read(status)]],
});

const listed = (name: string, help: string, label: NonNullable<Row["label"]>, read: Row["read"]): Row => ({
  ...{ name, help, kind: "gauge", label, read },
});

const source = (name: string, help: string, read: (counters: SourceCounters) => number): Row => ({
  name: `source_${name}_total`,
  help: `${help}, since the session began.`,
  kind: "counter",
  label: "source",
  read: ({ status }) => [[status.source.counters && read(status.source.counters), status.source.name]],
});

const output = (
  kind: Row["kind"],
  name: string,
  help: string,
  read: (counters: OutputCounters) => number | undefined,
): Row => ({
  name: `output_${name}`,
  help,
  kind,
  label: "output",
  read: ({ status }) => status.outputs.map(({ name, counters }) => [counters && read(counters), name]),
});

const queue = (
  kind: Row["kind"],
  name: string,
  help: string,
  read: (queue: QueueCounters) => number,
): Row => ({
  name: `output_queue_${name}`,
  help,
  kind,
  label: "output",
  read: ({ status }) => status.outputs.map(({ name, queue }) => [queue && read(queue), name]),
});

const uplink = (name: string, help: string, read: (uplink: UplinkStatus) => number | undefined): Row => ({
  name: `output_uplink_${name}`,
  help,
  kind: "gauge",
  label: "output",
  read: ({ status }) => status.outputs.map(({ name, uplink }) => [uplink && read(uplink), name]),
});

/** The readings of one kind, in the base unit of the metric. */
const health = (name: string, help: string, kind: HealthKind, unit = 1): Row => ({
  name: `health_${name}`,
  help,
  kind: "gauge",
  label: "reading",
  read: ({ status }) =>
    (status.health?.items ?? [])
      .filter((item) => item.kind === kind)
      .map(({ value, name }) => [value === undefined ? undefined : value * unit, name]),
});

/** What is not known is left out. */
const levels: Readonly<Partial<Record<HealthLevel, number>>> = { ok: 0, warning: 1, critical: 2 };

const own = (kind: Row["kind"], name: string, help: string, read: (feed: Feed) => number): Row => ({
  name,
  help,
  kind,
  read: ({ feed }) => [[read(feed)]],
});

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
};

/** Every metric that is read off the status, in the order in which it is shown. */
export const rows: readonly Row[] = [
  line("live", "1 while at least one destination takes pictures of the camera.", ({ phase }) =>
    number(phase === "live"),
  ),
  line("holding", "1 while the last picture is held, as the camera is away.", ({ phase }) =>
    number(phase === "holding"),
  ),
  line("transcoding", "1 while the picture is encoded anew.", ({ path }) => number(path === "transcode")),
  line("target_bytes_per_second", "Rate asked of the encoder.", ({ rate }) => rate && rate.target / 8),
  line("wanted_live", "1 while the line is wanted live.", ({ desired }) => number(desired === "live")),
  line("locked", "1 while the operator's lock is set.", ({ locked }) => number(locked)),
  line("phase_age_seconds", "Time since the phase of the line began.", ({ sinceSeconds }) => sinceSeconds),
  line("picture_width_pixels", "Width of the picture.", ({ picture }) => picture?.width),
  line("picture_height_pixels", "Height of the picture.", ({ picture }) => picture?.height),
  {
    name: "source_running",
    help: "1 while the source gives pictures.",
    kind: "gauge",
    label: "source",
    read: ({ status }) => [[number(status.source.state === "running"), status.source.name]],
  },
  {
    name: "source_frames_per_second",
    help: "Pictures received a second, over the last seconds.",
    kind: "gauge",
    label: "source",
    read: ({ status }) => [[status.source.fps, status.source.name]],
  },
  source("pictures", "Pictures received", ({ units }) => units),
  source("keyframes", "IDR pictures received", ({ keyframes }) => keyframes),
  source("received_bytes", "Bytes of pictures received", ({ bytes }) => bytes),
  source("packets", "Packets received", ({ packets }) => packets),
  source("lost_packets", "Packets that never came", ({ lostPackets }) => lostPackets),
  source(
    "recovered_packets",
    "Packets that came after another request",
    ({ recoveredPackets }) => recoveredPackets,
  ),
  source("discarded_packets", "Packets that were of no use", ({ discardedPackets }) => discardedPackets),
  source(
    "dropped_pictures",
    "Pictures dropped because they were damaged",
    ({ droppedUnits }) => droppedUnits,
  ),
  source("restarts", "Times at which the camera began a new stream", ({ restarts }) => restarts),
  source("keyframe_requests", "IDR pictures asked for", ({ keyframeRequests }) => keyframeRequests),
  {
    name: "output_running",
    help: "1 while the output takes pictures.",
    kind: "gauge",
    label: "output",
    read: ({ status }) => status.outputs.map(({ name, state }) => [number(state === "running"), name]),
  },
  output(
    "counter",
    "pictures_total",
    "Pictures handed to the network, since the session began.",
    ({ units }) => units,
  ),
  output(
    "counter",
    "sent_bytes_total",
    "Bytes handed to the network, since the session began.",
    ({ bytes }) => bytes,
  ),
  output(
    "counter",
    "acknowledged_bytes_total",
    "Bytes acknowledged by the server, since the session began.",
    (counters) => counters.acknowledgedBytes,
  ),
  output(
    "gauge",
    "unsent_bytes",
    "Bytes that the kernel has not taken yet.",
    ({ unsentBytes }) => unsentBytes,
  ),
  output(
    "gauge",
    "latency_p50_seconds",
    "Last packet of a picture received to picture handed on, median.",
    ({ latencyUs }) => latencyUs.p50 / 1_000_000,
  ),
  output(
    "gauge",
    "latency_p99_seconds",
    "Last packet of a picture received to picture handed on, 99th percentile.",
    ({ latencyUs }) => latencyUs.p99 / 1_000_000,
  ),
  uplink("delay_seconds", "Time that a picture waits on this side.", ({ delayMs }) => delayMs / 1000),
  uplink("round_trip_seconds", "Round trip, at connecting.", ({ roundTripMs }) => roundTripMs / 1000),
  uplink(
    "capacity_bytes_per_second",
    "What the way to the server carried.",
    ({ capacity }) => capacity && capacity / 8,
  ),
  queue("gauge", "pictures", "Pictures and sounds that wait for the output.", ({ units }) => units),
  queue("gauge", "bytes", "Bytes that wait for the output.", ({ bytes }) => bytes),
  queue(
    "gauge",
    "seconds",
    "Media time that waits for the output.",
    ({ milliseconds }) => milliseconds / 1000,
  ),
  queue(
    "counter",
    "dropped_pictures_total",
    "Pictures dropped because the uplink could not carry them.",
    ({ droppedUnits }) => droppedUnits,
  ),
  listed("health_level", "How a reading is: 0 well, 1 warning, 2 critical.", "reading", ({ status }) =>
    (status.health?.items ?? []).map(({ level, name }) => [levels[level], name]),
  ),
  line("health_strain_steps", "Steps by which a transcode is made smaller.", ({ health }) => health?.strain),
  health("temperature_celsius", "Temperature.", "temperature"),
  health("cpu_usage_ratio", "Share of the time in which the processors were busy.", "cpu", 0.01),
  health("memory_available_ratio", "Share of the memory that is available.", "memory", 0.01),
  health("pressure_ratio", "Share of the last minute in which somebody waited.", "pressure", 0.01),
  health("disk_free_bytes", "Room on the disk of the state directory.", "disk", 1e6),
  health("flash_life_used_ratio", "Share of its life that the flash memory has behind it.", "wear", 0.01),
  health("wifi_signal_dbm", "Signal of the WiFi.", "wifi"),
  health("clock_synchronized", "1 while a time server has set the clock.", "clock"),
  listed("boot_mark_seconds", "When something was reached first since power-on.", "mark", ({ status }) =>
    bootMarkNames.map((name) => [status.boot?.[name], name]),
  ),
  own("gauge", "http_event_clients", "Clients of the event stream.", ({ clients }) => clients),
  own(
    "counter",
    "http_event_clients_dropped_total",
    "Clients dropped because they did not read.",
    ({ dropped }) => dropped,
  ),
  own("gauge", "process_resident_memory_bytes", "Memory of the process.", () => process.memoryUsage.rss()),
  own("counter", "process_cpu_seconds_total", "CPU time of the process.", cpuSeconds),
  own("gauge", "process_uptime_seconds", "Time since the process began.", () => process.uptime()),
];

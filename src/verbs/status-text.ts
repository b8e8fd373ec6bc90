import type { LinkStatus, Status } from "../domain/status.ts";

type SourceStatus = Status["source"];
type OutputStatus = Status["outputs"][number];

/** A status in plain words, several lines. */
export function formatStatus(status: Status): string {
  const { phase, reason, desired, sinceSeconds, source, picture, outputs, notices } = status;
  return [
    `${phase} for ${formatSeconds(sinceSeconds)}: ${reason} (wanted: ${desired})`,
    `source ${link(source)}${sourceNumbers(source)}`,
    ...(picture === undefined ? [] : [`  picture ${picture.width}x${picture.height}, ${picture.profile}`]),
    ...streamLines(status),
    ...settingLines(status),
    ...(outputs.length === 0 ? ["no outputs are configured"] : outputs.flatMap(outputLines)),
    ...healthLines(status),
    ...notices.map((notice) => `notice: ${notice}`),
  ].join("\n");
}

function streamLines({ path, verdict, rate }: Status): string[] {
  const how = path === "copy" ? "passed on as the camera made it" : "encoded anew";
  const asked =
    rate === undefined ? "" : `, ${(rate.target / 1e6).toFixed(2)} Mbit/s asked for: ${rate.reason}`;
  const broken = verdict?.findings.filter(({ remedy }) => remedy !== undefined) ?? [];
  return [
    `  ${how}${asked}`,
    ...(verdict === undefined ? [] : [`  verdict for ${verdict.destination}: ${verdict.kind}`]),
    ...broken.map(({ text }) => `    ${text}`),
  ];
}

function settingLines({ settings, locked, camera }: Status): string[] {
  const { bitrateCap } = settings;
  const cap = bitrateCap === null ? "not capped" : `at most ${(bitrateCap / 1e6).toFixed(2)} Mbit/s`;
  const lines = [`settings: audio ${settings.audio}, bit rate ${cap}${locked ? ", camera locked" : ""}`];
  if (camera?.position !== undefined) {
    const { pan, tilt, zoom } = camera.position;
    const screen = camera.screen === undefined ? "" : `, screen ${camera.screen}`;
    lines.push(`camera: pan ${pan.toFixed(0)}, tilt ${tilt.toFixed(0)}, zoom ${zoom.toFixed(1)}${screen}`);
  }
  return lines;
}

/** The figures that are known in one line, and below it what is wrong with them. */
function healthLines({ health }: Status): string[] {
  if (health === undefined) return [];
  const known = health.items.filter(({ level }) => level !== "unknown");
  const bad = known.filter(({ advice }) => advice !== "");
  const strain = health.strain === 0 ? "" : `, a transcode is made smaller by ${health.strain}`;
  return [
    `health: ${health.level}${strain}`,
    `  ${known.map(({ name, shown }) => `${name} ${shown}`).join(", ")}`,
    ...bad.map(({ name, shown, level, advice }) => `  ${level}: ${name} ${shown}. ${advice}`),
  ];
}

function link({ name, state, fault, retryInMs }: LinkStatus): string {
  const why = fault === undefined ? "" : `: ${fault.message}`;
  const next = retryInMs === undefined ? "" : `, next try in ${formatSeconds(retryInMs / 1000)}`;
  return `${name}: ${state}${why}${next}`;
}

function sourceNumbers({ state, fps, bitsPerSecond, counters }: SourceStatus): string {
  const rate =
    state === "running" ? `, ${fps.toFixed(1)} fps, ${(bitsPerSecond / 1e6).toFixed(2)} Mbit/s` : "";
  if (counters === undefined) return rate;
  const { units, keyframes, lostPackets, recoveredPackets, droppedUnits, restarts } = counters;
  return `${rate}\n  ${units} pictures (${keyframes} IDR), ${lostPackets} packets lost, ${recoveredPackets} recovered, ${droppedUnits} pictures dropped, ${restarts} restarts`;
}

function outputLines(output: OutputStatus): string[] {
  const { counters, queue, uplink } = output;
  const lines = [`output ${link(output)}`];
  if (counters !== undefined) {
    const { p50, p99 } = counters.latencyUs;
    lines.push(
      `  ${counters.units} pictures, ${megabytes(counters.bytes)} sent, ${megabytes(counters.unsentBytes)} waiting in the socket, latency ${milliseconds(p50)} (p99 ${milliseconds(p99)})`,
    );
  }
  if (uplink !== undefined) {
    const carried =
      uplink.capacity === undefined ? "" : `, carried ${(uplink.capacity / 1e6).toFixed(2)} Mbit/s`;
    lines.push(`  uplink: a picture waits ${Math.round(uplink.delayMs)} ms${carried}`);
  }
  if (queue !== undefined)
    lines.push(
      `  queue ${queue.units} pictures, ${Math.round(queue.milliseconds)} ms, ${queue.droppedUnits} dropped`,
    );
  return lines;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const milliseconds = (us: number): string => `${(us / 1000).toFixed(1)} ms`;

function formatSeconds(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

import type { CameraAbility, CameraState } from "../../domain/camera.ts";
import type { AudioChoice, Phase } from "../../domain/status.ts";
import type { MqttOptions } from "./options.ts";
import { everyDestination } from "./plain-commands.ts";
import { topicsOf } from "./topics.ts";

/** One entity, in Home Assistant's own words (MQTT integration, device discovery, Home Assistant 2024.11 and later). */
export type Component = { readonly p: string } & Readonly<Record<string, unknown>>;

export interface DeviceDiscovery {
  readonly dev: Readonly<Record<string, unknown>>;
  readonly o: Readonly<Record<string, unknown>>;
  readonly avty_t: string;
  readonly qos: 1;
  readonly cmps: Readonly<Record<string, Component>>;
}

const phases: readonly Phase[] = ["idle", "starting", "live", "holding", "retrying", "stopping"];
const audioChoices: readonly AudioChoice[] = ["silent", "camera", "none"];
const diagnostic = { ent_cat: "diagnostic" };
const setting = { ent_cat: "config" };

/**
 * The one retained message that makes this device known to Home Assistant. What the camera says it cannot do is named
 * with its platform alone, by which Home Assistant takes the entity away; while the camera is not known, its entities
 * are not mentioned, so that those of an earlier day keep their names and places.
 */
export function deviceDiscovery(options: MqttOptions, camera: CameraState | undefined): DeviceDiscovery {
  const { deviceId, version } = options;
  const components = { ...lineComponents(options), ...cameraComponents(options, camera) };
  return {
    dev: {
      ids: [`spotlive_${deviceId}`],
      name: `spotlive ${deviceId}`,
      mf: "spotlive",
      mdl: "spotlive",
      sw: version,
    },
    o: { name: "spotlive", sw: version },
    avty_t: topicsOf(options).availability,
    qos: 1,
    cmps: Object.fromEntries(
      Object.entries(components).map(([name, component]) => [
        name,
        Object.keys(component).length === 1
          ? component
          : { ...component, uniq_id: `spotlive_${deviceId}_${name}` },
      ]),
    ),
  };
}

function lineComponents(options: MqttOptions): Record<string, Component> {
  const topics = topicsOf(options);
  const { destinations } = options;
  const state = (field: string) => ({ stat_t: topics.state, val_tpl: `{{ value_json.${field} }}` });
  const telemetry = (field: string) => ({ stat_t: topics.telemetry, val_tpl: `{{ value_json.${field} }}` });
  const boot = (field: string) => ({ stat_t: topics.boot, val_tpl: `{{ value_json.${field} }}` });
  const measured = { stat_cla: "measurement", ...diagnostic };
  const bootTime = { p: "sensor", dev_cla: "duration", unit_of_meas: "s", ...measured };
  const command = (name: string) => ({ cmd_t: topics.set(name) });
  const button = (name: string) => ({ ...command(name), pl_prs: "PRESS" });
  const counted = { stat_cla: "total_increasing", ...diagnostic };
  return {
    stream: { p: "switch", name: "Stream", ...state("stream"), ...command("stream") },
    lock: { p: "switch", name: "Camera lock", ...state("locked"), ...command("lock") },
    live: { p: "binary_sensor", name: "Live", dev_cla: "running", ...state("live") },
    problem: { p: "binary_sensor", name: "Problem", dev_cla: "problem", ...state("problem") },
    robot: { p: "binary_sensor", name: "Robot", dev_cla: "connectivity", ...state("robot") },
    locked: { p: "binary_sensor", name: "Camera locked", ...state("locked") },
    phase: { p: "sensor", name: "Phase", dev_cla: "enum", ops: phases, ...state("phase") },
    reason: { p: "sensor", name: "Reason", ...state("reason"), ...diagnostic },
    fps: {
      p: "sensor",
      name: "Frame rate",
      unit_of_meas: "fps",
      stat_cla: "measurement",
      ...telemetry("fps"),
    },
    bitrate: {
      ...{ p: "sensor", name: "Bitrate", dev_cla: "data_rate", unit_of_meas: "kbit/s" },
      ...{ stat_cla: "measurement", ...telemetry("bitrate") },
    },
    dropped_pictures: { p: "sensor", name: "Dropped pictures", ...telemetry("droppedPictures"), ...counted },
    lost_packets: { p: "sensor", name: "Lost packets", ...telemetry("lostPackets"), ...counted },
    queue_delay: {
      ...{ p: "sensor", name: "Queue delay", dev_cla: "duration", unit_of_meas: "ms" },
      ...{ stat_cla: "measurement", ...telemetry("queueDelay"), ...diagnostic },
    },
    phase_minutes: {
      ...{ p: "sensor", name: "Time in phase", dev_cla: "duration", unit_of_meas: "min" },
      ...{ stat_cla: "measurement", ...telemetry("phaseMinutes"), ...diagnostic },
    },
    first_packet_after: { ...bootTime, name: "Power-on to picture", ...boot("firstPacket") },
    live_after: { ...bootTime, name: "Power-on to ingest", ...boot("rtmpAccepted") },
    ...healthComponents(state, telemetry),
    destination: {
      ...{ p: "select", name: "Destination", ops: destinationChoices(destinations) },
      ...{ ...state("destination"), ...command("destination") },
    },
    audio: {
      ...{ p: "select", name: "Sound", ops: audioChoices.map(audioWord), ...command("audio"), ...setting },
      stat_t: topics.state,
      val_tpl: "{{ 'off' if value_json.audio == 'none' else value_json.audio }}",
      cmd_tpl: "{{ 'none' if value == 'off' else value }}",
    },
    restart: { p: "button", name: "Restart", dev_cla: "restart", ...button("restart") },
    keyframe: { p: "button", name: "Keyframe", ...button("keyframe"), ...diagnostic },
    clip: { p: "button", name: "Clip", ...button("clip") },
    version: {
      ...{ p: "update", name: "Version", stat_t: topics.state, ...diagnostic },
      val_tpl: "{{ {'installed_version': value_json.version} | to_json }}",
    },
  };
}

type Place = (field: string) => Readonly<Record<string, string>>;

/** What a board does not tell is null, which Home Assistant shows as unknown. */
function healthComponents(state: Place, telemetry: Place): Record<string, Component> {
  const measured = { stat_cla: "measurement", ...diagnostic };
  return {
    health: {
      ...{ p: "sensor", name: "Health", dev_cla: "enum", ops: ["ok", "warning", "critical"] },
      ...{ ...state("health"), ...diagnostic },
    },
    health_advice: { p: "sensor", name: "Health advice", ...state("healthAdvice"), ...diagnostic },
    undervoltage: {
      ...{ p: "binary_sensor", name: "Undervoltage", dev_cla: "problem" },
      ...{ ...state("undervoltage"), ...diagnostic },
    },
    throttled: {
      ...{ p: "binary_sensor", name: "Throttled", dev_cla: "problem" },
      ...{ ...state("throttled"), ...diagnostic },
    },
    temperature: {
      ...{ p: "sensor", name: "Temperature", dev_cla: "temperature", unit_of_meas: "°C" },
      ...{ ...telemetry("temperature"), ...measured },
    },
    processor_use: {
      ...{ p: "sensor", name: "Processor use", unit_of_meas: "%" },
      ...{ ...telemetry("processorUse"), ...measured },
    },
    memory_available: {
      ...{ p: "sensor", name: "Memory available", unit_of_meas: "%" },
      ...{ ...telemetry("memoryAvailable"), ...measured },
    },
    disk_free: {
      ...{ p: "sensor", name: "Disk free", dev_cla: "data_size", unit_of_meas: "MB" },
      ...{ ...telemetry("diskFree"), ...measured },
    },
    wifi_signal: {
      ...{ p: "sensor", name: "WiFi signal", dev_cla: "signal_strength", unit_of_meas: "dBm" },
      ...{ ...telemetry("wifiSignal"), ...measured },
    },
  };
}

/** Home Assistant takes a state of `none` for no state at all. */
function audioWord(audio: AudioChoice): string {
  return audio === "none" ? "off" : audio;
}

function destinationChoices(destinations: readonly string[]): readonly string[] {
  return destinations.length > 1 ? [...new Set([...destinations, everyDestination])] : destinations;
}

function cameraComponents(options: MqttOptions, camera: CameraState | undefined): Record<string, Component> {
  if (camera === undefined) return {};
  const topics = topicsOf(options);
  const state = (field: string) => ({
    stat_t: topics.state,
    val_tpl: `{{ value_json.camera.${field} if value_json.camera else None }}`,
  });
  const command = (name: string) => ({ cmd_t: topics.set(name) });
  const look = (direction: string) => ({ ...command("look"), pl_prs: direction });
  const entities: readonly (readonly [CameraAbility, string, Component])[] = [
    [
      "bitrate",
      "bitrate_cap",
      {
        ...{ p: "number", name: "Bitrate cap", dev_cla: "data_rate", unit_of_meas: "kbit/s" },
        ...{ min: 0, max: 20_000, step: 100, mode: "box" },
        ...{
          stat_t: topics.state,
          val_tpl: "{{ value_json.bitrateCap }}",
          ...command("bitrate-cap"),
          ...setting,
        },
      },
    ],
    ["ptz", "camera_left", { p: "button", name: "Camera left", ...look("left") }],
    ["ptz", "camera_right", { p: "button", name: "Camera right", ...look("right") }],
    ["ptz", "camera_up", { p: "button", name: "Camera up", ...look("up") }],
    ["ptz", "camera_down", { p: "button", name: "Camera down", ...look("down") }],
    [
      "ptz",
      "zoom",
      {
        ...{ p: "number", name: "Zoom", min: 1, max: 30, step: 0.1 },
        ...{ ...state("zoom"), ...command("zoom") },
      },
    ],
    ["ptz", "preset", select("Preset", camera.presets, command("preset"))],
    [
      "screens",
      "screen",
      select("Screen", camera.screens ?? [], { ...state("screen"), ...command("screen") }),
    ],
    [
      "lights",
      "lights",
      {
        ...{ p: "number", name: "Lights", min: 0, max: 100, step: 1, unit_of_meas: "%" },
        ...{ ...state("lights"), ...command("lights") },
      },
    ],
  ];
  return Object.fromEntries(
    entities.map(([ability, name, component]) => [
      name,
      camera.can.includes(ability) ? component : { p: component.p },
    ]),
  );
}

/** A choice of nothing is no entity. */
function select(name: string, choices: readonly string[], topics: object): Component {
  return choices.length === 0 ? { p: "select" } : { p: "select", name, ops: choices, ...topics };
}

import type { CameraState } from "../../domain/camera.ts";
import type { Result } from "../../domain/command.ts";
import type { Status } from "../../domain/status.ts";
import { deviceDiscovery } from "./discovery.ts";
import type { MqttOptions } from "./options.ts";
import { plainCommands } from "./plain-commands.ts";
import { bootTimesOf, stateOf, telemetryOf } from "./state.ts";
import { topicsOf } from "./topics.ts";

const options: MqttOptions = {
  brokers: ["mqtt://192.168.1.5:1883"],
  deviceId: "spot-1",
  baseTopic: "spotlive",
  homeAssistant: true,
  discoveryPrefix: "homeassistant",
  destinations: ["main", "backup"],
  version: "0.1.0",
};

const camera: CameraState = {
  can: ["bitrate", "idr", "ptz", "screens", "lights"],
  position: { pan: 90, tilt: -10, zoom: 2 },
  screens: ["mech", "digi"],
  screen: "mech",
  presets: ["door"],
  lights: 0.5,
};

const boot = { kernel: 0, adopted: 6.3, ready: 9.8, robot: 31.4, "first-packet": 32.2 };

const status: Status = {
  ...{ phase: "live", reason: "Live on main.", desired: "live", locked: false, sinceSeconds: 754 },
  settings: { destinations: ["main"], bitrateCap: 3_000_000, audio: "silent" },
  camera,
  source: { name: "spot", state: "running", fps: 29.97, bitsPerSecond: 2_912_400 },
  picture: { width: 1920, height: 1080, profile: "High" },
  path: "copy",
  health: {
    level: "ok",
    strain: 0,
    items: [
      { name: "processor", kind: "temperature", level: "ok", value: 61.7, shown: "62 °C", advice: "" },
      { name: "processor use", kind: "cpu", level: "ok", value: 12.4, shown: "12 %", advice: "" },
    ],
  },
  outputs: [
    { name: "main", state: "running", queue: { units: 1, bytes: 9000, milliseconds: 33, droppedUnits: 0 } },
  ],
  notices: [],
};

const result: Result = { ok: true, id: "7d1", status };

/** Gives the page of every topic with an example payload. */
export function renderMqttDocs(): string {
  const topics = topicsOf(options);
  const [state, telemetry] = [stateOf(status, options), telemetryOf(status)];
  const discovery = deviceDiscovery(options, camera);
  return `# MQTT

spotlive speaks MQTT 5, and MQTT 3.1.1 with brokers that know nothing newer. Every topic begins with the base topic
(here \`${options.baseTopic}\`) and the device id (here \`${options.deviceId}\`), so that one broker can carry many devices. The client id is
\`spotlive-${options.deviceId}\`: two devices must not share an id.

## What the device says

| Topic | Retained | When |
| --- | --- | --- |
| \`${topics.availability}\` | yes | \`online\` with every connection, \`offline\` at its end; the broker says \`offline\` when the device is cut off |
| \`${topics.state}\` | yes | on change |
| \`${topics.telemetry}\` | yes | on change, at most once a second |
| \`${topics.boot}\` | yes | on a device with a boot file, when something is reached for the first time since power-on |
| \`${topics.result}\` | no | what came of a command that named no response topic |
| \`${topics.selfTest}\` | no | once per connection: the device's message to itself, to learn whether commands arrive |
| \`${topics.discovery}\` | yes | with every connection, on a change of the camera, when Home Assistant starts |

Nothing that happens while the broker is away is sent later: after a new connection each topic has what is true then.

\`${topics.state}\`:

${json(state)}

\`bitrateCap\` is in kbit/s (0: no cap), \`lights\` in percent, \`pan\` and \`tilt\` in degrees.
\`health\` is the worst of all readings of the machine (\`ok\`, \`warning\`, \`critical\`), \`healthAdvice\` what to do.

\`${topics.telemetry}\`:

${json(telemetry)}

\`bitrate\` is in kbit/s, \`queueDelay\` in milliseconds; the two counters begin at 0 with each session.
The last five are about the machine: °C of the hottest sensor, percent, percent, MB, dBm; null where it does not tell.

\`${topics.boot}\`, in seconds since power-on, null for what was not reached yet:

${json(bootTimesOf(boot))}

\`${topics.result}\`, or the response topic of the command:

${json(result)}

A refusal has a fault in place of the status:

${json({ ok: false, id: "7d1", fault: { code: "expired", message: "The command came too late.", retryable: false } })}

## What it can be told

Commands are never retained: a retained one is refused, because it would come again with every connection (a broker
that speaks only MQTT 3.1.1 hides the mark from a device that is connected at that moment). A command that cannot be
carried out within 5 seconds is not carried out at all; a message expiry interval (MQTT 5) can make that shorter.

| Topic | Payload | Example |
| --- | --- | --- |
${Object.entries(plainCommands)
  .map(([name, { accepts, example }]) => `| \`${topics.set(name)}\` | ${accepts} | \`${example}\` |`)
  .join("\n")}

\`${topics.command}\` takes the same JSON as the HTTP API. \`id\` (1 to 64 letters, digits and \`.:_-\`) makes
a command that is sent twice act once; \`expiresAt\` is a time of day. Both can be left out:

${json({ kind: "camera", action: { kind: "look", pan: -10 }, id: "7d1", expiresAt: "2026-11-20T12:00:05Z" })}

${json({ kind: "set", change: { destinations: ["main", "backup"], bitrateCap: null, audio: "camera" } })}

With MQTT 5, a response topic and correlation data work as usual, on every command topic. The same pair is the same
request: it is carried out once and answered each time. A response topic may not end in \`/set\` or \`/command\`, nor
begin with the discovery prefix.

\`\`\`sh
mosquitto_pub -t ${topics.set("stream")} -m ON
mosquitto_pub -t ${topics.command} -m '{"kind":"stop"}'
mosquitto_rr -t ${topics.command} -e answers/1 -m '{"kind":"status"}'
\`\`\`

## Rights at the broker

For Mosquitto's access control file; the last line only for response topics, wherever they are:

\`\`\`
user ${options.deviceId}
topic readwrite ${topics.root}/#
topic write ${topics.discovery}
topic read ${topics.birth}
topic write answers/#
\`\`\`

Brokers may grant a subscription and then deliver nothing; spotlive notices that and says so in its log. Mosquitto
delivers commands up to 40 ms sooner with \`set_tcp_nodelay true\`.

## Home Assistant

The device, with all its entities, comes by itself (Home Assistant 2024.11 and later) through one retained message on
\`${topics.discovery}\`. Entities that the camera has no use for are left out. Without a discovery prefix
the message is removed (at the prefix \`homeassistant\`), and the device with it.

${json(discovery)}
`;
}

function json(value: unknown): string {
  return `\`\`\`json\n${JSON.stringify(value, undefined, 2)}\n\`\`\``;
}

import { Ajv, type AnySchema } from "ajv";
import { expect, test } from "vitest";
import type { CameraAbility } from "../../../../src/domain/camera.ts";
import { deviceDiscovery } from "../../../../src/control/mqtt/discovery.ts";
import { plainCommands } from "../../../../src/control/mqtt/plain-commands.ts";
import { idleStatus } from "./line.ts";

const options = {
  brokers: ["mqtt://127.0.0.1:1883"],
  deviceId: "spot1",
  baseTopic: "spotlive",
  homeAssistant: true,
  discoveryPrefix: "homeassistant",
  destinations: ["main", "backup"],
  version: "1.2.3",
};
const { camera } = idleStatus;

/** Home Assistant drops keys that it does not know without a word, so they are refused here. */
const text = { type: "string", minLength: 1 };
const topic = { type: "string", pattern: "^[^+#]+$" };
const template = { type: "string", pattern: "^\\{\\{ .+ \\}\\}$" };
const words = { type: "array", items: text, minItems: 1, uniqueItems: true };
const entity = { name: text, uniq_id: { type: "string", pattern: "^spotlive_spot1_[a-z_]+$" } };
const category = { ent_cat: { enum: ["config", "diagnostic"] } };
const reading = { stat_t: topic, val_tpl: template };
const writing = { cmd_t: { type: "string", pattern: "^[^+#]+/set$" } };

function platform(p: string, required: object, optional: object = {}): AnySchema {
  const always = { p: { const: p }, ...entity, ...required };
  return {
    type: "object",
    required: Object.keys(always),
    additionalProperties: false,
    properties: { ...always, ...category, ...optional },
  };
}

/** A sensor's class decides which units and which state class go with it. */
const sensorClasses = [
  platform("sensor", reading),
  platform(
    "sensor",
    { ...reading, stat_cla: { enum: ["measurement", "total_increasing"] } },
    { unit_of_meas: { enum: ["fps", "%"] } },
  ),
  platform("sensor", { ...reading, dev_cla: { const: "enum" }, ops: words }),
  platform("sensor", {
    ...reading,
    dev_cla: { const: "data_rate" },
    unit_of_meas: { enum: ["bit/s", "kbit/s", "Mbit/s"] },
    stat_cla: { const: "measurement" },
  }),
  platform("sensor", {
    ...reading,
    dev_cla: { const: "duration" },
    unit_of_meas: { enum: ["d", "h", "min", "s", "ms"] },
    stat_cla: { const: "measurement" },
  }),
  ...[
    ["temperature", "°C"],
    ["data_size", "MB"],
    ["signal_strength", "dBm"],
  ].map(([dev_cla, unit]) =>
    platform("sensor", {
      ...{ ...reading, dev_cla: { const: dev_cla }, unit_of_meas: { const: unit } },
      stat_cla: { const: "measurement" },
    }),
  ),
];

const number = { type: "number" };
const component = {
  anyOf: [
    {
      type: "object",
      required: ["p"],
      additionalProperties: false,
      properties: { p: { enum: ["number", "button", "select"] } },
    },
    platform("switch", { ...reading, ...writing }),
    platform("binary_sensor", reading, { dev_cla: { enum: ["running", "problem", "connectivity"] } }),
    ...sensorClasses,
    platform("select", { ...writing, ops: words }, { ...reading, cmd_tpl: template }),
    platform(
      "number",
      { ...reading, ...writing, min: number, max: number, step: { type: "number", minimum: 0.001 } },
      {
        dev_cla: { const: "data_rate" },
        unit_of_meas: { enum: ["kbit/s", "%"] },
        mode: { enum: ["auto", "box", "slider"] },
      },
    ),
    platform(
      "button",
      { ...writing, pl_prs: text },
      { dev_cla: { enum: ["restart", "identify", "update"] } },
    ),
    platform("update", reading),
  ],
};

const schema = {
  type: "object",
  required: ["dev", "o", "avty_t", "qos", "cmps"],
  additionalProperties: false,
  properties: {
    dev: {
      type: "object",
      required: ["ids", "name"],
      additionalProperties: false,
      properties: { ids: words, name: text, mf: text, mdl: text, sw: text },
    },
    o: {
      type: "object",
      required: ["name"],
      additionalProperties: false,
      properties: { name: text, sw: text },
    },
    avty_t: topic,
    qos: { enum: [0, 1, 2] },
    cmps: { type: "object", propertyNames: { pattern: "^[a-z_]+$" }, additionalProperties: component },
  },
};
const validate = new Ajv({ strict: true, strictRequired: false, allErrors: true }).compile(schema);

test.each([
  ["a camera that can do everything", camera],
  ["a camera that can do nothing", { can: [], presets: [] }],
  ["no camera that is known", undefined],
])("the discovery payload for %s is what Home Assistant understands", (_, state) => {
  validate(JSON.parse(JSON.stringify(deviceDiscovery(options, state))));
  expect(validate.errors).toBeNull();
});

test("the schema notices a key that Home Assistant would drop", () => {
  const payload = deviceDiscovery(options, camera);
  const stream = { ...payload.cmps["stream"], icon_: "mdi:video" };
  expect(validate({ ...payload, cmps: { ...payload.cmps, stream } })).toBe(false);
  expect(validate({ ...payload, state: "spotlive/spot1/state" })).toBe(false);
});

test("every entity has an id of its own, and every command topic is one that is understood", () => {
  const components = Object.values(deviceDiscovery(options, camera).cmps);
  const ids = components.map(({ uniq_id: id }) => id);
  expect(new Set(ids).size).toBe(components.length);
  const commands = components.flatMap(({ cmd_t: command }) => (typeof command === "string" ? [command] : []));
  expect(commands.length).toBeGreaterThan(10);
  for (const command of commands) expect(Object.keys(plainCommands)).toContain(command.split("/").at(-2));
});

test.each<[CameraAbility, string, readonly string[]]>([
  ["ptz", "button", ["camera_left", "camera_right", "camera_up", "camera_down"]],
  ["ptz", "select", ["preset"]],
  ["screens", "select", ["screen"]],
  ["lights", "number", ["lights"]],
  ["bitrate", "number", ["bitrate_cap"]],
])("without the ability %s, its entities are taken away", (missing, p, names) => {
  const can = (camera?.can ?? []).filter((ability) => ability !== missing);
  const { cmps } = deviceDiscovery(options, { presets: ["door"], screens: ["mech"], can });
  for (const name of names) expect(cmps[name]).toEqual({ p });
});

test("while the camera is not known, its entities are not mentioned", () => {
  const { cmps } = deviceDiscovery(options, undefined);
  for (const name of ["camera_left", "zoom", "lights", "screen", "preset"])
    expect(cmps).not.toHaveProperty(name);
  expect(cmps).toHaveProperty("stream");
});

test("a choice of no sound is not called none, which Home Assistant takes for unknown", () => {
  const { cmps } = deviceDiscovery(options, camera);
  expect(cmps["audio"]).toMatchObject({ ops: ["silent", "camera", "off"] });
});

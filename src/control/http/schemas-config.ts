/** The schemas of the settings. */

const text = { type: "string" };
const path = { ...text, description: "`http.port`, `outputs[0].streamKey`" };
const whole = { type: "integer" };
const flag = { type: "boolean" };

function object(
  required: Readonly<Record<string, object>>,
  optional: Readonly<Record<string, object>> = {},
): object {
  return {
    type: "object",
    required: Object.keys(required),
    properties: { ...required, ...optional },
    additionalProperties: false,
  };
}

const list = (name: string): object => ({ type: "array", items: { $ref: `#/components/schemas/${name}` } });

export const configSchemas = {
  ConfigKey: object(
    {
      path,
      doc: text,
      kind: { enum: ["text", "number", "whole-number", "switch", "choice", "list", "secret"] },
      expected: { ...text, description: "What it takes, in words" },
      optional: flag,
      from: { enum: ["default", "file", "environment"] },
    },
    {
      choices: { type: "array", items: text },
      min: { type: "number" },
      max: { type: "number" },
      env: { ...text, description: "The environment variable that wins over the file" },
      default: {},
      value: { description: "Absent for a secret" },
      isSet: { ...flag, description: "Of a secret: whether there is one" },
    },
  ),
  ConfigGroup: object(
    { name: text, about: text, keys: list("ConfigKey") },
    { isNew: { ...flag, description: "A destination that is made when its keys are set" } },
  ),
  Configuration: object(
    {
      path: { ...text, description: "The configuration file" },
      writable: flag,
      restartable: { ...flag, description: "Whether POST /api/restart is of use" },
      groups: list("ConfigGroup"),
    },
    { advice: { ...text, description: "Why it is not writable, and what to do instead" } },
  ),
  ConfigChange: object({
    changes: {
      type: "object",
      description:
        "Values by the path of their key; null takes a key out. `outputs[1]`: null takes a destination away",
    },
  }),
  RobotLogin: {
    type: "object",
    required: ["host", "username", "password"],
    properties: {
      ...{ host: text, port: whole, cameraHost: text, cameraPort: whole, username: text, password: text },
    },
  },
  RobotTrial: object({
    ok: flag,
    steps: {
      type: "array",
      description: "robot, login, camera, picture: up to the first that failed",
      items: object({ name: text, ok: flag, text }),
    },
    settings: { type: "object", description: "For PUT /api/config, besides the password" },
  }),
  Ingest: {
    type: "object",
    required: ["kind", "streamKey"],
    properties: { kind: { enum: ["twitch", "rtmp"] }, url: text, ingest: text, streamKey: text },
  },
  IngestTrial: object(
    { ok: flag, text },
    { bitsPerSecond: { type: "integer", description: "What arrived" } },
  ),
  ConfigChanged: object({ ok: { const: true }, restartNeeded: flag }),
  ConfigRefusal: object(
    { ok: { const: false }, fault: { $ref: "#/components/schemas/Fault" } },
    {
      problems: {
        type: "array",
        items: object({ path: { ...path, description: "Empty: nobody's alone" }, text }),
      },
    },
  ),
};

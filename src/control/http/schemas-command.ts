/** The schemas of the commands that `parse-command.ts` takes. */

const name = { type: "string", pattern: "^[\\w .:-]{1,64}$" };
const range = (minimum: number, maximum: number): object => ({ type: "number", minimum, maximum });
const id = {
  type: "string",
  pattern: "^[\\w.:-]{1,64}$",
  description: "The same id twice acts once; made by spotlive where none is given",
};

function command(
  kind: object,
  properties: Readonly<Record<string, object>> = {},
  required: readonly string[] = [],
): object {
  return { type: "object", required: ["kind", ...required], properties: { kind, ...properties, id } };
}

function action(
  kind: object,
  properties: Readonly<Record<string, object>>,
  required: readonly string[] = [],
): object {
  return { type: "object", required: ["kind", ...required], properties: { kind, ...properties } };
}

const change = {
  type: "object",
  description: "What is absent is left as it is",
  properties: {
    destinations: { type: "array", items: name, minItems: 1, maxItems: 8, description: "Names of outputs" },
    bitrateCap: {
      type: ["number", "null"],
      minimum: 100_000,
      maximum: 50_000_000,
      description: "Bits per second; null: no cap",
    },
    audio: { enum: ["silent", "camera", "none"] },
    idrSeconds: range(0.5, 10),
  },
  additionalProperties: false,
};

const cameraAction = {
  oneOf: [
    action(
      { const: "look", description: "Moves by degrees, and multiplies the zoom" },
      { pan: range(-180, 180), tilt: range(-180, 180), zoom: range(0.1, 10) },
    ),
    action(
      { const: "goto", description: "Goes to a position" },
      {
        position: {
          type: "object",
          properties: { pan: range(-360, 360), tilt: range(-180, 180), zoom: range(1, 100) },
        },
      },
      ["position"],
    ),
    action({ enum: ["preset", "screen"], description: "Goes to a preset, or shows a screen" }, { name }, [
      "name",
    ]),
    action({ const: "lights", description: "0 is off, 1 full" }, { brightness: range(0, 1) }, ["brightness"]),
  ],
};

export const commandSchemas = {
  CommandRequest: {
    oneOf: [
      command({ enum: ["start", "stop", "restart", "status", "keyframe", "lock", "unlock"] }),
      command({ const: "clip" }, { seconds: range(1, 300) }),
      command({ const: "set" }, { change: { $ref: "#/components/schemas/Change" } }, ["change"]),
      command({ const: "camera" }, { action: { $ref: "#/components/schemas/CameraAction" } }, ["action"]),
    ],
  },
  Change: change,
  CameraAction: cameraAction,
};

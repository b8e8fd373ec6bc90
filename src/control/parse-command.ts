import type { CameraAction, CameraPosition } from "../domain/camera.ts";
import type { Command, LineChange } from "../domain/command.ts";
import { Fault } from "../domain/fault.ts";

/**
 * The one JSON language of commands, for the control socket, HTTP and MQTT: `{"kind":"start"}`,
 * `{"kind":"camera","action":{"kind":"look","pan":-10}}`, `{"kind":"set","change":{"bitrateCap":3000000}}`.
 * Total: throws nothing but a `malformed` fault that names what was expected and what was got.
 */
export function parseCommand(value: unknown): Command {
  const fields = object(value, 'a command like {"kind":"start"}');
  const { kind } = fields;
  switch (kind) {
    case "start":
    case "stop":
    case "restart":
    case "status":
    case "keyframe":
    case "lock":
    case "unlock":
      return { kind };
    case "clip":
      return { kind, seconds: fields["seconds"] === undefined ? 30 : number(fields, "seconds", 1, 300) };
    case "set":
      return { kind, change: parseChange(object(fields["change"], 'change like {"bitrateCap":3000000}')) };
    case "camera":
      return { kind, action: parseAction(object(fields["action"], 'action like {"kind":"look","pan":-10}')) };
    default:
      throw new Fault(
        "malformed",
        `Expected kind to be start, stop, restart, status, set, keyframe, camera, clip, lock or unlock, got ${show(kind)}.`,
      );
  }
}

type Fields = Readonly<Record<string, unknown>>;

function parseChange(fields: Fields): LineChange {
  const { destinations, bitrateCap, audio, idrSeconds, ...others } = fields;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new Fault(
      "malformed",
      `Expected destinations, bitrateCap, audio or idrSeconds, got ${show(unknown)}.`,
    );
  }
  return {
    ...(destinations !== undefined && { destinations: names(destinations) }),
    ...(bitrateCap !== undefined && {
      bitrateCap: bitrateCap === null ? null : Math.round(number(fields, "bitrateCap", 100_000, 50_000_000)),
    }),
    ...(audio !== undefined && { audio: oneOf(audio, "audio", ["silent", "camera", "none"] as const) }),
    ...(idrSeconds !== undefined && { idrSeconds: number(fields, "idrSeconds", 0.5, 10) }),
  };
}

function parseAction(fields: Fields): CameraAction {
  const { kind } = fields;
  const optional = (name: string, least: number, most: number, otherwise: number): number =>
    fields[name] === undefined ? otherwise : number(fields, name, least, most);
  switch (kind) {
    case "look":
      return {
        kind,
        pan: optional("pan", -180, 180, 0),
        tilt: optional("tilt", -180, 180, 0),
        zoom: optional("zoom", 0.1, 10, 1),
      };
    case "goto":
      return { kind, position: parsePosition(object(fields["position"], 'position like {"pan":90}')) };
    case "preset":
    case "screen":
      return { kind, name: name(fields["name"]) };
    case "lights":
      return { kind, brightness: number(fields, "brightness", 0, 1) };
    default:
      throw new Fault(
        "malformed",
        `Expected action.kind to be look, goto, preset, screen or lights, got ${show(kind)}.`,
      );
  }
}

function parsePosition(fields: Fields): Partial<CameraPosition> {
  return {
    ...(fields["pan"] !== undefined && { pan: number(fields, "pan", -360, 360) }),
    ...(fields["tilt"] !== undefined && { tilt: number(fields, "tilt", -180, 180) }),
    ...(fields["zoom"] !== undefined && { zoom: number(fields, "zoom", 1, 100) }),
  };
}

function object(value: unknown, expected: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new Fault("malformed", `Expected ${expected}, got ${show(value)}.`);
}

function number(fields: Fields, field: string, least: number, most: number): number {
  const value = fields[field];
  if (typeof value === "number" && value >= least && value <= most) return value;
  throw new Fault(
    "malformed",
    `Expected ${field} to be a number from ${least} to ${most}, got ${show(value)}.`,
  );
}

function name(value: unknown): string {
  if (typeof value === "string" && /^[\w .:-]{1,64}$/.test(value)) return value;
  throw new Fault("malformed", `Expected a name of 1 to 64 letters, digits and _ .:-, got ${show(value)}.`);
}

function names(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.length > 0 && value.length <= 8) return value.map(name);
  throw new Fault(
    "malformed",
    `Expected destinations to be a list of 1 to 8 output names, got ${show(value)}.`,
  );
}

function oneOf<Word extends string>(value: unknown, field: string, words: readonly Word[]): Word {
  const word = words.find((one) => one === value);
  if (word !== undefined) return word;
  throw new Fault("malformed", `Expected ${field} to be ${words.join(", ")}, got ${show(value)}.`);
}

/** What was got, short and in one line. */
function show(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 60);
}

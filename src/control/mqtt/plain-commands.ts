import { Fault } from "../../domain/fault.ts";

/** A command as one word or number on a topic of its own, as Home Assistant and `mosquitto_pub` send it. */
export interface PlainCommand {
  /** What is accepted, for people. */
  readonly accepts: string;
  readonly example: string;
  /** Gives the command in the JSON language; throws nothing but `malformed`. */
  toJson(text: string, destinations: readonly string[]): unknown;
}

/** Chosen as a destination, it means every output. */
export const everyDestination = "all";

/** Degrees of one press of a camera button. */
const stepDegrees = 10;
const zoomStep = 1.25;

const directions = {
  left: { pan: -stepDegrees },
  right: { pan: stepDegrees },
  up: { tilt: stepDegrees },
  down: { tilt: -stepDegrees },
  in: { zoom: zoomStep },
  out: { zoom: 1 / zoomStep },
} as const;

/** By the level of the topic before `/set`. */
export const plainCommands: Readonly<Record<string, PlainCommand>> = {
  stream: onOff("start", "stop"),
  lock: onOff("lock", "unlock"),
  restart: press("restart"),
  keyframe: press("keyframe"),
  clip: {
    accepts: "`PRESS` for the last 30 s, or seconds from 1 to 300",
    example: "PRESS",
    toJson: (text) => ({ kind: "clip", ...(text !== "PRESS" && { seconds: number(text) }) }),
  },
  destination: {
    accepts: `the name of an output, or \`${everyDestination}\``,
    example: "main",
    toJson: (text, destinations) => change({ destinations: chosen(text, destinations) }),
  },
  "bitrate-cap": {
    accepts: "kbit/s from 100 to 50000; 0 takes the cap away",
    example: "3000",
    toJson(text) {
      const kilobits = number(text);
      return change({ bitrateCap: kilobits === 0 ? null : kilobits * 1000 });
    },
  },
  audio: {
    accepts: "`silent`, `camera` or `none`",
    example: "silent",
    toJson: (text) => change({ audio: text }),
  },
  look: {
    accepts: "`left`, `right`, `up`, `down` (10 degrees), `in` or `out` (zoom by a quarter)",
    example: "left",
    toJson: (text) => action({ kind: "look", ...oneOf(text, directions) }),
  },
  zoom: {
    accepts: "zoom factor from 1",
    example: "4",
    toJson: (text) => action({ kind: "goto", position: { zoom: number(text) } }),
  },
  lights: {
    accepts: "brightness from 0 to 100 percent",
    example: "50",
    toJson: (text) => action({ kind: "lights", brightness: number(text) / 100 }),
  },
  screen: {
    accepts: "the name of a screen of the camera's compositor",
    example: "mech",
    toJson: (text) => action({ kind: "screen", name: text }),
  },
  preset: {
    accepts: "the name of a preset of the configuration",
    example: "door",
    toJson: (text) => action({ kind: "preset", name: text }),
  },
};

function onOff(on: string, off: string): PlainCommand {
  return {
    accepts: `\`ON\` (${on}) or \`OFF\` (${off})`,
    example: "ON",
    toJson: (text) => ({ kind: oneOf(text, { ON: on, OFF: off }) }),
  };
}

function press(kind: string): PlainCommand {
  return { accepts: "`PRESS`", example: "PRESS", toJson: (text) => ({ kind: oneOf(text, { PRESS: kind }) }) };
}

function change(fields: object): unknown {
  return { kind: "set", change: fields };
}

function action(fields: object): unknown {
  return { kind: "camera", action: fields };
}

function chosen(text: string, destinations: readonly string[]): readonly string[] {
  return text === everyDestination && !destinations.includes(text) ? destinations : [text];
}

function oneOf<Value>(text: string, table: Readonly<Record<string, Value>>): Value {
  const value = Object.hasOwn(table, text) ? table[text] : undefined;
  if (value !== undefined) return value;
  throw new Fault("malformed", `Expected ${Object.keys(table).join(", ")}, got ${show(text)}.`);
}

function number(text: string): number {
  if (/^\d{1,9}(\.\d{1,9})?$/.test(text)) return Number(text);
  throw new Fault("malformed", `Expected a number like 30 or 2.5, got ${show(text)}.`);
}

function show(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

import { socketPathToAsk } from "../config/paths.ts";
import { parseCommand } from "../control/parse-command.ts";
import type { Command } from "../domain/command.ts";
import { Fault } from "../domain/fault.ts";
import { formatStatus } from "./status-text.ts";
import { jsonOption, socketOption, usage } from "./verb.ts";
import type { Invocation, Verb } from "./verb.ts";

/** The verbs that speak to the running spotlive through its control socket. */
const options = { ...socketOption, ...jsonOption };

export const status: Verb = {
  name: "status",
  summary: "what the running spotlive is doing",
  options,
  async run(invocation) {
    const { readStatus } = await loadClient();
    const found = await readStatus(socketOf(invocation));
    invocation.print(invocation.flag("json") ? JSON.stringify(found) : formatStatus(found));
  },
};

export const start = simpleVerb("start", "go live");
export const stop = simpleVerb("stop", "end the stream");
export const restart = simpleVerb("restart", "end the stream and begin a new one");
export const lock = simpleVerb("lock", "keep chat and MQTT from moving the camera");
export const unlock = simpleVerb("unlock", "let chat and MQTT move the camera again");

export const set: Verb = {
  name: "set",
  positionals: "WHAT VALUE",
  summary: "change the line while it runs: destination NAMES, bitrate BITS or none, audio WORD, idr SECONDS",
  options,
  run: (invocation) => send(parseSet(invocation.positionals), invocation),
};

export const camera: Verb = {
  name: "camera",
  positionals: "ACTION [VALUE]",
  summary:
    "move the camera: left, right, up or down DEGREES, zoom N, preset or screen NAME, lights 0..1, idr",
  options,
  run: (invocation) => send(parseCamera(invocation.positionals), invocation),
};

function simpleVerb(kind: "start" | "stop" | "restart" | "lock" | "unlock", summary: string): Verb {
  return { name: kind, summary, options, run: (invocation) => send({ kind }, invocation) };
}

/** Reads the words after `set`. Throws `usage` or what `parseCommand` does. */
export function parseSet([what, value, ...others]: readonly string[]): Command {
  if (value === undefined || others.length > 0)
    throw usage("set takes destination, bitrate, audio or idr, and a value");
  switch (what) {
    case "destination":
      return parseCommand({ kind: "set", change: { destinations: value.split(",") } });
    case "bitrate":
      return parseCommand({ kind: "set", change: { bitrateCap: value === "none" ? null : numberOf(value) } });
    case "audio":
      return parseCommand({ kind: "set", change: { audio: value } });
    case "idr":
      return parseCommand({ kind: "set", change: { idrSeconds: numberOf(value) } });
    default:
      throw usage(`set takes destination, bitrate, audio or idr, got ${JSON.stringify(what)}`);
  }
}

const defaultDegrees = "10";

/** Reads the words after `camera`. Throws `usage` or what `parseCommand` does. */
export function parseCamera([what, value, ...others]: readonly string[]): Command {
  if (others.length > 0) throw usage("camera takes one word and one value");
  const degrees = Number(value ?? defaultDegrees);
  const act = (action: object): Command => parseCommand({ kind: "camera", action });
  switch (what) {
    case "left":
      return act({ kind: "look", pan: -degrees });
    case "right":
      return act({ kind: "look", pan: degrees });
    case "up":
      return act({ kind: "look", tilt: degrees });
    case "down":
      return act({ kind: "look", tilt: -degrees });
    case "zoom":
      return act({ kind: "goto", position: { zoom: numberOf(value) } });
    case "preset":
    case "screen":
      return act({ kind: what, name: value });
    case "lights":
      return act({ kind: "lights", brightness: numberOf(value) });
    case "idr":
      return { kind: "keyframe" };
    default:
      throw usage(
        `camera takes left, right, up, down, zoom, preset, screen, lights or idr, got ${JSON.stringify(what)}`,
      );
  }
}

function numberOf(text: string | undefined): unknown {
  return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** Half of the time that the program takes to start is node:http, which other verbs have no use for. */
const loadClient = async () => await import("../control/socket-client.ts");

async function send(command: Command, invocation: Invocation): Promise<void> {
  const { sendCommand } = await loadClient();
  const result = await sendCommand(socketOf(invocation), command);
  if (invocation.flag("json")) invocation.print(JSON.stringify(result));
  if (!result.ok) throw new Fault(result.fault.code, result.fault.message);
  if (!invocation.flag("json")) invocation.print(formatStatus(result.status));
}

const socketOf = ({ text }: Invocation): string => text("socket") ?? socketPathToAsk();

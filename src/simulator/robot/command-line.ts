import { toFault } from "../../domain/fault.ts";
import { nowUs } from "../../lib/clock.ts";
import type { Robot } from "../robot.ts";

/** A command's fields as they came: only those that are asked for are looked at. */
type Fields = Readonly<Record<string, unknown>>;

const idrModes = ["periodic", "refresh-only", "on-pli", "periodic-or-pli"] as const;
const profiles = ["constrained-baseline", "main", "high"] as const;

/** Each command with what it does; what it gives goes into the reply. */
const commands: Readonly<Record<string, (robot: Robot, fields: Fields) => unknown>> = {
  loss: (robot, fields) => robot.setNetwork({ lossPercent: number(fields, "percent", 0, 100) }),
  reorder: (robot, fields) => robot.setNetwork({ reorderPercent: number(fields, "percent", 0, 100) }),
  restart: (robot, fields) => robot.restart("width" in fields ? size(fields) : undefined),
  size: (robot, fields) => robot.change(size(fields)),
  bitrate: (robot, fields) => robot.change({ bitrate: number(fields, "value", 100_000, 50_000_000) }),
  idr: (robot, fields) => robot.change({ idr: oneOf(fields, "mode", idrModes) }),
  profile: (robot, fields) => robot.change({ profile: oneOf(fields, "name", profiles) }),
  silence: (robot, fields) => robot.beSilent(number(fields, "milliseconds", 0, 3_600_000)),
  "clock-skew": (robot, fields) => robot.setClockSkew(number(fields, "ppm", -100_000, 100_000)),
  "expire-tokens": (robot) => robot.expireTokens(),
  services: (robot, fields) => robot.setServices(oneOf(fields, "run", [true, false])),
  vanish: (robot) => robot.vanish(),
  appear: (robot) => robot.appear(),
  counters: (robot) => ({
    counters: robot.counters,
    frameNumberModulus: robot.frameNumberModulus,
    clockUs: nowUs(),
  }),
  frames: (robot) => ({ frames: robot.frames }),
  settings: ({ settings, congestionControl }) => {
    const { bitrate, idrInterval, refreshInterval } = settings;
    return { bitrate, idrInterval, refreshInterval, congestionControl };
  },
};

/**
 * Runs commands, one JSON object a line, such as `{"command":"loss","percent":1}`, until the input ends. Each gets one
 * line of JSON through `reply`: `{"ok":true,...}`, or `{"ok":false,"error":"..."}` for anything that is no command.
 * Never rejects because of what a line holds.
 */
export async function runRobotCommandLine(
  input: AsyncIterable<string>,
  robot: Robot,
  reply: (line: string) => void,
): Promise<void> {
  for await (const line of input) {
    if (line.trim() !== "") reply(JSON.stringify(await runCommand(line, robot)));
  }
}

async function runCommand(line: string, robot: Robot): Promise<object> {
  try {
    const fields = parseFields(line);
    const name = String(fields["command"]);
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command === undefined)
      throw new TypeError(`expected one of ${Object.keys(commands).join(", ")}, got ${name}`);
    const given = await command(robot, fields);
    return { ok: true, ...(typeof given === "object" ? given : {}) };
  } catch (error) {
    return { ok: false, error: toFault(error).message };
  }
}

function parseFields(line: string): Fields {
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed !== "object" || parsed === null) throw new TypeError("expected a JSON object");
  return { ...parsed };
}

function number(fields: Fields, name: string, least: number, most: number): number {
  const value = fields[name];
  if (typeof value === "number" && value >= least && value <= most) return value;
  throw new TypeError(`expected ${name} from ${least} to ${most}, got ${JSON.stringify(value)}`);
}

function size(fields: Fields): { readonly width: number; readonly height: number } {
  const even = (value: number): number => Math.floor(value / 2) * 2;
  return {
    width: even(number(fields, "width", 160, 3840)),
    height: even(number(fields, "height", 120, 2160)),
  };
}

function oneOf<Value>(fields: Fields, name: string, values: readonly Value[]): Value {
  const value = values.find((one) => one === fields[name]);
  if (value !== undefined) return value;
  throw new TypeError(`expected ${name} as one of ${values.join(", ")}, got ${JSON.stringify(fields[name])}`);
}

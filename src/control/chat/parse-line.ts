/** Everything that can be asked in chat. `setBitrate` is `bitrate` with a number: reading and setting have tiers of their own. */
export const commandNames = [
  "start",
  "stop",
  "restart",
  "cam",
  "zoom",
  "view",
  "light",
  "clip",
  "status",
  "bitrate",
  "setBitrate",
  "lock",
  "unlock",
  "allow",
  "deny",
  "help",
  "vote",
] as const;

export type CommandName = (typeof commandNames)[number];

/** The commands that move the camera or change what it shows. */
export type CameraCommand =
  | { readonly name: "cam"; readonly direction: Direction; readonly degrees: number | undefined }
  | { readonly name: "zoom"; readonly to: "in" | "out" | number }
  | { readonly name: "view"; readonly view: string }
  | { readonly name: "light"; readonly percent: number };

export type ChatCommand =
  | CameraCommand
  | { readonly name: "start" | "stop" | "restart" | "lock" | "unlock" }
  | { readonly name: "status" | "bitrate" | "help" | "vote" }
  | { readonly name: "clip"; readonly seconds: number }
  /** Bits per second; null takes the cap away. */
  | { readonly name: "setBitrate"; readonly bitrateCap: number | null }
  | { readonly name: "allow"; readonly user: string; readonly seconds: number }
  | { readonly name: "deny"; readonly user: string };

export type Direction = "left" | "right" | "up" | "down";

/** A known word with arguments that make no sense still has a name, so that it can be asked who may use it. */
export type ParsedLine =
  | { readonly kind: "command"; readonly command: ChatCommand }
  | { readonly kind: "usage"; readonly name: CommandName; readonly usage: string };

const mostCharacters = 500;
const mostGrantSeconds = 24 * 3600;

/**
 * Reads one line of chat: `!cam left 10`. Gives undefined for what is no command of ours, unknown words included,
 * because other bots listen to the same prefix. Total: no text makes it throw.
 */
export function parseLine(line: string, prefix: string): ParsedLine | undefined {
  if (!line.startsWith(prefix)) return undefined;
  // Some chat programs append an invisible character so that Twitch lets the same line through twice.
  const words = line
    .slice(prefix.length, mostCharacters)
    .replaceAll(/[\s\p{C}]+/gu, " ")
    .trim()
    .split(" ");
  const [word = "", ...rest] = words;
  const { length } = rest;
  const [first = "", second = ""] = rest.map((argument) => argument.toLowerCase());
  const command = (value: ChatCommand): ParsedLine => ({ kind: "command", command: value });
  const usage = (name: CommandName, text: string): ParsedLine => ({
    kind: "usage",
    name,
    usage: prefix + text,
  });

  const name = word.toLowerCase();
  switch (name) {
    case "start":
    case "stop":
    case "restart":
    case "lock":
    case "unlock":
    case "status":
    case "help":
    case "vote":
      return command({ name });
    case "cam": {
      const degrees = length === 1 ? undefined : number(second, 1, 180);
      if (!isDirection(first) || length > 2 || (length === 2 && degrees === undefined))
        return usage(name, "cam left|right|up|down [degrees]");
      return command({ name, direction: first, degrees });
    }
    case "zoom": {
      const to = first === "in" || first === "out" ? first : number(first, 1, 100);
      return to === undefined || length !== 1 ? usage(name, "zoom in|out|1 to 100") : command({ name, to });
    }
    case "view": {
      const view = rest.join(" ");
      return /^[\w .:-]{1,64}$/.test(view) ? command({ name, view }) : usage(name, "view NAME");
    }
    case "light": {
      const percent = number(first.replace(/%$/, ""), 0, 100);
      return percent === undefined || length !== 1
        ? usage(name, "light 0 to 100")
        : command({ name, percent });
    }
    case "clip": {
      const seconds = length === 0 ? 30 : number(first, 1, 300);
      return seconds === undefined || length > 1
        ? usage(name, "clip [1 to 300 seconds]")
        : command({ name, seconds });
    }
    case "bitrate": {
      if (length === 0) return command({ name });
      const kilobits = number(first, 100, 50_000);
      if (length > 1 || (kilobits === undefined && first !== "off"))
        return usage("setBitrate", "bitrate [100 to 50000 kbit/s, or off]");
      return command({
        name: "setBitrate",
        bitrateCap: kilobits === undefined ? null : Math.round(kilobits * 1000),
      });
    }
    case "allow": {
      const seconds = length === 1 ? 600 : duration(second);
      const user = userName(first);
      if (user === undefined || seconds === undefined || length > 2) return usage(name, "allow USER [10m]");
      return command({ name, user, seconds });
    }
    case "deny": {
      const user = userName(first);
      return user === undefined || length !== 1 ? usage(name, "deny USER") : command({ name, user });
    }
    default:
      return undefined;
  }
}

function isDirection(word: string): word is Direction {
  return word === "left" || word === "right" || word === "up" || word === "down";
}

function number(word: string, least: number, most: number): number | undefined {
  if (!/^\d{1,5}(\.\d{1,2})?$/.test(word)) return undefined;
  const value = Number(word);
  return value >= least && value <= most ? value : undefined;
}

/** `90s`, `10m`, `2h`, or bare minutes; from 1 second to a day. */
function duration(word: string): number | undefined {
  const [, digits, unit = "m"] = /^(\d{1,5})([smh]?)$/.exec(word) ?? [];
  if (digits === undefined) return undefined;
  const seconds = Number(digits) * (unit === "s" ? 1 : unit === "h" ? 3600 : 60);
  return seconds >= 1 && seconds <= mostGrantSeconds ? seconds : undefined;
}

/** Twitch's login names: letters, digits and underscores, at most 25. */
function userName(word: string): string | undefined {
  return /^@?(\w{1,25})$/.exec(word)?.[1];
}

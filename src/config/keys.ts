import { deviceFormats } from "./device-formats.ts";
import { isText, sameText } from "./format.ts";
import type { Format, Limits } from "./format.ts";

const inRange = (value: unknown, { min = -Infinity, max = Infinity }: Limits): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= min && value <= max;

const range = ({ min, max }: Limits): string => (min === undefined ? "" : ` from ${min} to ${max ?? "any"}`);

const numberFromText = (text: string): unknown =>
  /^-?\d{1,15}(\.\d{1,9})?$/.test(text.trim()) ? Number(text) : text;

function isAddress(value: unknown, schemes: readonly string[]): boolean {
  if (!isText(value) || !URL.canParse(value)) return false;
  const { protocol, hostname, username, password, pathname } = new URL(value);
  return (
    schemes.includes(protocol) && hostname !== "" && username === "" && password === "" && pathname.length > 1
  );
}

const isPermission = (value: unknown): boolean =>
  isText(value) && /^[a-zA-Z]{1,16}=(broadcaster|moderator|vip|subscriber|everyone)$/.test(value);

function isPreset(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { name, pan, tilt, zoom, ...others }: Readonly<Record<string, unknown>> = { ...value };
  const fits = (number: unknown, min: number, max: number): boolean =>
    number === undefined || inRange(number, { min, max });
  return (
    isText(name) &&
    /^[\w-]{1,32}$/.test(name) &&
    fits(pan, 0, 360) &&
    fits(tilt, -90, 100) &&
    fits(zoom, 1, 30) &&
    Object.keys(others).length === 0
  );
}

/** Every kind of value, by the name under which convict knows it. */
export const formats = {
  text: { expected: () => "a text", matches: isText, fromText: sameText },
  "whole-number": {
    expected: (limits) => `a whole number${range(limits)}`,
    matches: (value, limits) => inRange(value, limits) && Number.isInteger(value),
    fromText: numberFromText,
  },
  number: { expected: (limits) => `a number${range(limits)}`, matches: inRange, fromText: numberFromText },
  switch: {
    expected: () => "true or false",
    matches: (value) => typeof value === "boolean",
    fromText: (text) =>
      new Map([
        ["true", true],
        ["false", false],
      ]).get(text.trim().toLowerCase()) ?? text,
  },
  "output-name": {
    expected: () => "a name of 1 to 32 small letters, digits and hyphens",
    matches: (value) => isText(value) && /^[a-z0-9][a-z0-9-]{0,31}$/.test(value),
    fromText: sameText,
  },
  "output-address": {
    expected: () =>
      "an address like rtmp://host/app, rtmps://host/app or https://host/path, without user, password or stream key",
    matches: (value) => isAddress(value, ["rtmp:", "rtmps:", "http:", "https:"]),
    fromText: sameText,
  },
  ingest: {
    expected: () => "auto, or an address like rtmps://host/app",
    matches: (value) => value === "auto" || isAddress(value, ["rtmp:", "rtmps:"]),
    fromText: sameText,
  },
  fingerprint: {
    expected: () => "a SHA-256 fingerprint: 64 hexadecimal digits, colons allowed",
    matches: (value) => isText(value) && /^[0-9a-f]{64}$/i.test(value.replaceAll(":", "")),
    fromText: sameText,
  },
  outputs: {
    expected: () => `a list of at most ${maxOutputs} outputs`,
    matches: (value) => Array.isArray(value) && value.length <= maxOutputs,
    fromText: sameText,
  },
  "broker-addresses": {
    expected: () => "addresses like mqtt://host:1883 or mqtts://host, with commas between",
    matches: (value) =>
      isText(value) && value.split(",").every((one) => /^mqtts?:\/\/[^\s/@]+\/?$/.test(one.trim())),
    fromText: sameText,
  },
  "host-names": {
    expected: () => "a list of host names",
    matches: (value) =>
      Array.isArray(value) &&
      value.length <= 20 &&
      value.every((name) => isText(name) && /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$/.test(name)),
    fromText: sameText,
  },
  permissions: {
    expected: () => "a list of texts like cam=everyone",
    matches: (value) => Array.isArray(value) && value.length <= 50 && value.every(isPermission),
    fromText: sameText,
  },
  presets: {
    expected: () => "a list like {name: home, pan: 0, tilt: 10, zoom: 1}",
    matches: (value) => Array.isArray(value) && value.length <= 50 && value.every(isPreset),
    fromText: sameText,
  },
  ...deviceFormats,
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof formats;

/** Most outputs one appliance feeds. */
export const maxOutputs = 8;

/** One key of the configuration: a leaf of the convict schema. */
export interface Key<T> extends Limits {
  readonly doc: string;
  readonly default: T;
  readonly format: FormatName | readonly string[];
  readonly nullable: boolean;
  readonly sensitive: boolean;
  readonly env?: string;
}

/** What a group of keys is for; shown above it in the example file. */
export const about = Symbol("about");

export interface Group {
  readonly [about]: string;
  readonly [name: string]: Key<unknown> | Group;
}

/** The values that a group of keys stands for. */
export type Values<G> =
  G extends Key<infer T> ? T : { readonly [K in keyof G as K extends string ? K : never]: Values<G[K]> };

export const port = { min: 1, max: 65_535 };

export function isKey(node: Key<unknown> | Group): node is Key<unknown> {
  return "default" in node;
}

/** The format of one key; a list of words is a format of its own. */
export function formatOf(key: Key<unknown>): Format {
  const { format } = key;
  if (typeof format === "string") return formats[format];
  return {
    expected: () => `one of ${format.join(", ")}`,
    matches: (value) => typeof value === "string" && format.includes(value),
    fromText: sameText,
  };
}

type Options = Limits & { readonly env?: string; readonly format?: FormatName };

function key<T>(value: T, format: Key<T>["format"], doc: string, options: Options): Key<T> {
  return { doc, default: value, format, nullable: value === null, sensitive: false, ...options };
}

export const text = (value: string, doc: string, options: Options): Key<string> =>
  key(value, "text", doc, options);
export const optionalText = (doc: string, options: Options): Key<string | null> =>
  key<string | null>(null, "text", doc, options);
export const secret = (doc: string, options: Options): Key<string | null> => ({
  ...optionalText(doc, options),
  sensitive: true,
});
export const wholeNumber = (value: number, doc: string, options: Options): Key<number> =>
  key(value, "whole-number", doc, options);
export const optionalWholeNumber = (doc: string, options: Options): Key<number | null> =>
  key<number | null>(null, "whole-number", doc, options);
export const decimal = (value: number, doc: string, options: Options): Key<number> =>
  key(value, "number", doc, options);
export const flag = (value: boolean, doc: string, options: Options): Key<boolean> =>
  key(value, "switch", doc, options);
/** A list in the file; the environment cannot set it. */
export const list = (
  format: "permissions" | "presets" | "host-names" | "interface-names" | "ssh-keys" | "wifi-networks",
  doc: string,
): Key<readonly unknown[]> => ({
  doc,
  default: [],
  format,
  nullable: false,
  sensitive: false,
});
/** For the key beside a secret. */
export const fileDoc = (what: string): string =>
  `A file that holds the ${what} (a systemd credential, for example).`;
export const choice = <const W extends readonly string[]>(
  words: W,
  value: W[number],
  doc: string,
  options: Options,
): Key<W[number]> => key<W[number]>(value, words, doc, options);
export const optionalChoice = <const W extends readonly string[]>(
  words: W,
  doc: string,
  options: Options,
): Key<W[number] | null> => key<W[number] | null>(null, words, doc, options);

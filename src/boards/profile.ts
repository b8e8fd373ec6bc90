import { createHash } from "node:crypto";
import { parse } from "yaml";
import type { BoardProfile, Chain, FfmpegChain, GstreamerChain, HealthReading } from "../domain/board.ts";
import { Fault } from "../domain/fault.ts";
import {
  choice,
  flag,
  group,
  list,
  number,
  otherwise,
  problem,
  readAll,
  record,
  text,
  wholeNumber,
} from "./schema.ts";
import type { Reader } from "./schema.ts";

/** A profile, and what its proof is remembered by. */
export interface LoadedProfile {
  readonly profile: BoardProfile;
  readonly file: string;
  /** SHA-256 of the file's text, hexadecimal. */
  readonly hash: string;
}

/** A profile is a page, not a book. */
const maxFileLength = 32_768;

const path = text(/^\/[^\0]+$/, "an absolute path");
const devices: Reader<readonly (readonly string[])[]> = list((value, key) =>
  Array.isArray(value) ? list(path, 1)(value, key) : [path(value, key)],
);
const codecName = text(/^[a-z0-9_]+$/, "the name of an ffmpeg codec");
const codec = group({
  codec: codecName,
  options: otherwise(record(/^[a-z0-9_-]+$/i, text(/^[^\0]+$/)), {}),
});
const elementName = text(/^[a-z0-9_-]+$/i, "the name of a GStreamer element");
const property: Reader<string | number | boolean> = (value, key) => {
  if (typeof value === "boolean") return value;
  return typeof value === "number" ? number(-(2 ** 31), 2 ** 32)(value, key) : text(/^[^\0]+$/)(value, key);
};
const element = group({
  element: elementName,
  properties: otherwise(record(/^[a-z0-9-]+$/i, property), {}),
});
const limits = group({
  width: wholeNumber(16, 8192),
  height: wholeNumber(16, 8192),
  fps: wholeNumber(1, 240),
  bitsPerSecond: wholeNumber(100_000, 200_000_000),
});
const common = {
  name: text(/^[a-z0-9-]+$/, "a name of a to z, 0 to 9 and -"),
  devices: otherwise(devices, []),
  v4l2: otherwise(list(choice("decoder", "encoder")), []),
  limits,
};
const ffmpegChain: Reader<FfmpegChain> = group(
  {
    ...common,
    runner: choice("ffmpeg"),
    encode: codec,
    frames: otherwise(choice("memory", "vaapi-upload", "vaapi"), "memory"),
  },
  { decode: codec },
);
const gstreamerKeys = group(
  {
    ...common,
    runner: choice("gstreamer"),
    decode: list(element, 1),
    convert: otherwise(list(element), []),
    caps: text(),
    encode: list(element, 1),
  },
  {
    encodedCaps: text(),
    bitrate: group({ property: text(/^[a-z0-9-]+$/i), bitsPerUnit: wholeNumber(1, 1000) }),
  },
);
/** The rate is told in one way, not in none and not in two. */
const gstreamerChain: Reader<GstreamerChain> = (value, key) => {
  const chain = gstreamerKeys(value, key);
  const isTold = chain.encode.some(({ properties }) =>
    Object.values(properties).some((value) => String(value).includes("{bitrate}")),
  );
  if (isTold !== (chain.bitrate === undefined))
    throw problem(key, "expected bitrate, or {bitrate} in a property of encode, one of them");
  return chain;
};
const chain: Reader<Chain> = (value, key) =>
  group({ runner: choice("ffmpeg", "gstreamer") }, anything(value))(value, key).runner === "ffmpeg"
    ? ffmpegChain(value, key)
    : gstreamerChain(value, key);

const reading: Reader<HealthReading> = (value, key) => {
  const { thermalZone, hwmon, file, path: at, ...rest } = healthKeys(value, key);
  const places = [
    thermalZone !== undefined ? [{ thermalZone }] : [],
    hwmon !== undefined && file !== undefined ? [{ hwmon, file }] : [],
    at !== undefined ? [{ path: at }] : [],
  ].flat();
  const [where, ...others] = places;
  if (where === undefined || others.length > 0 || (hwmon === undefined) !== (file === undefined))
    throw problem(key, "expected one of thermalZone, path, or hwmon with file");
  return { ...rest, where };
};
const healthKeys = group(
  {
    kind: choice("temperature", "throttling", "undervoltage", "power-mode"),
    name: text(),
    format: otherwise(choice("number", "hex", "counter", "text"), "number"),
    scale: otherwise(number(1e-9, 1e9), 1),
    unit: otherwise(text(/^.{0,10}$/), ""),
    meaning: text(),
  },
  {
    thermalZone: text(),
    hwmon: text(),
    file: text(/^[\w*]+$/, "the name of a file"),
    path,
    mask: wholeNumber(1, 2 ** 31),
    warn: number(-1e9, 1e9),
    critical: number(-1e9, 1e9),
  },
);

const profileKeys = group({
  title: text(),
  verified: flag,
  h264: group({ decoder: text(), encoder: text() }),
  match: group(
    {
      dmi: otherwise(record(/^[a-z_]+$/, text()), {}),
      devices: otherwise(devices, []),
    },
    {
      compatible: list(text(/^[^\s,]+,[^\s]+$/, "vendor,name as in a device tree"), 1),
      cpuVendors: list(text(), 1),
    },
  ),
  chains: otherwise(list(chain), []),
  drivers: otherwise(list(path), []),
  health: otherwise(list(reading), []),
  quirks: otherwise(list(group({ text: text(), source: text(), verified: otherwise(flag, false) })), []),
});

/** Reads the text of `NAME.yaml`. Total: throws nothing but a `Fault` (`config-invalid`). */
export function parseProfile(content: string, file: string): LoadedProfile {
  const name = /([^/]+)\.yaml$/.exec(file)?.[1] ?? file;
  const read = readAll(parseYaml(content, file), file, profileKeys);
  const names = read.chains.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined)
    throw new Fault("config-invalid", `${file}: chains: expected names of their own, got ${twice} twice.`);
  return { profile: { name, ...read }, file, hash: createHash("sha256").update(content).digest("hex") };
}

function parseYaml(content: string, file: string): unknown {
  if (content.length > maxFileLength)
    throw new Fault("config-invalid", `${file}: expected at most ${maxFileLength} characters.`);
  try {
    return parse(content, { logLevel: "error", maxAliasCount: 10 }) as unknown;
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : "").split("\n");
    throw new Fault("config-invalid", `${file}: not valid YAML: ${line.slice(0, 200)}`, { cause: error });
  }
}

/** Every key that is there, unread: for a first look at one of them. */
function anything(value: unknown): Record<string, Reader<unknown>> {
  const keys = typeof value === "object" && value !== null ? Object.keys(value) : [];
  return Object.fromEntries(
    keys.filter((key) => key !== "runner").map((key) => [key, (given: unknown) => given]),
  );
}

import type { GstreamerBitrate, GstreamerElement } from "../domain/board.ts";
import { Fault } from "../domain/fault.ts";
import type { EncoderStart } from "./encoder-runner.ts";
import { outputSize } from "./output-size.ts";
import type { GstreamerPlan } from "./planner.ts";

/** Names under which the running pipeline's elements are found. */
export const gstreamerNames = { encoder: "encoder", output: "output" } as const;
/** Where encoded pictures leave: standard output is no place for them, as some vendors' libraries print there. */
const outputDescriptor = 3;

type Values = ReadonlyMap<string, string | number>;

/**
 * The pipeline in the notation of `gst-launch-1.0`: pictures in GStreamer's data protocol from standard input to
 * descriptor 3. `fdsrc` and `fdsink` block where `appsrc` and `appsink` would let them pile up, and nothing passes
 * through JavaScript. Throws a `Fault` with code `config-invalid` when the plan has an impossible name or placeholder.
 */
export function describePipeline(plan: GstreamerPlan, start: EncoderStart): string {
  const values = valuesFor(plan, start);
  const parts = [
    element("fdsrc", { fd: 0, blocksize: 65_536 }),
    element("gdpdepay"),
    ...plan.decode,
    ...fewerPictures(start),
    ...plan.convert,
    caps(`${plan.caps}, width={width}, height={height}`),
    ...encoders(plan),
    ...(plan.encodedCaps === undefined ? [] : [caps(plan.encodedCaps)]),
    element("h264parse", { "config-interval": -1 }),
    caps("video/x-h264, stream-format=avc, alignment=au"),
    element("gdppay", { "crc-header": false }),
    element("fdsink", { name: gstreamerNames.output, fd: outputDescriptor, sync: false, async: false }),
  ];
  return parts.map((part) => describeElement(part, values)).join(" ! ");
}

/** The value of the encoder's property for a bit rate: the nearest one that a C float can hold, as it goes through one. */
export function bitrateValue({ bitsPerUnit }: GstreamerBitrate, bitsPerSecond: number): number {
  return Math.fround(Math.round(bitsPerSecond / bitsPerUnit));
}

const element = (name: string, properties: GstreamerElement["properties"] = {}): GstreamerElement => ({
  element: name,
  properties,
});

/** What must hold between two elements. */
const caps = (text: string): GstreamerElement => element("capsfilter", { caps: text });

/** The encoder gets its name and its rate. A number in the pipeline's text arrives exactly. */
function encoders({ encode, bitrate, target }: GstreamerPlan): readonly GstreamerElement[] {
  const rate = bitrate && {
    [bitrate.property]: Math.round(target.bitsPerSecond / bitrate.bitsPerUnit),
  };
  return encode.map((part, index) =>
    index === 0 ? element(part.element, { ...part.properties, ...rate, name: gstreamerNames.encoder }) : part,
  );
}

/** Pictures that are left out keep the others' times; the encoder is told the rate that remains. */
function fewerPictures({ fps, sourceFps }: EncoderStart): readonly GstreamerElement[] {
  if (fps >= sourceFps) return [];
  const rate = `framerate=${Math.round(fps * 1000)}/1000`;
  return [element("videorate", { "drop-only": true }), caps(`video/x-raw(ANY), ${rate}`)];
}

function valuesFor({ target, threads }: GstreamerPlan, { size, fps }: EncoderStart): Values {
  const { width, height } = outputSize(target, size);
  return new Map<string, string | number>([
    ["width", width],
    ["height", height],
    ["fps", Math.max(1, Math.round(fps))],
    ["gop", Math.max(1, Math.round(fps * target.idrSeconds))],
    ["profile", target.profile],
    ["bitrate", Math.round(target.bitsPerSecond)],
    ["threads", threads],
  ]);
}

function describeElement({ element, properties }: GstreamerElement, values: Values): string {
  const settings = Object.entries(properties).map(([property, value]) => {
    const text = typeof value === "string" ? fill(value, values) : String(value);
    return `${checkName(property)}=${quote(text)}`;
  });
  return [checkName(element), ...settings].join(" ");
}

function fill(text: string, values: Values): string {
  return text.replaceAll(/\{(\w*)\}/g, (placeholder, name: string) => {
    const value = values.get(name);
    if (value !== undefined) return String(value);
    const known = [...values.keys()].map((name) => `{${name}}`).join(", ");
    throw new Fault("config-invalid", `A GStreamer chain has ${placeholder}; expected one of ${known}.`);
  });
}

/** GStreamer's grammar takes a backslash before the closing quote for an escaped quote. */
function quote(text: string): string {
  if (!text.includes("\\")) return `"${text.replaceAll('"', String.raw`\"`)}"`;
  throw new Fault("config-invalid", `A GStreamer chain has ${text}; expected a value without a backslash.`);
}

function checkName(name: string): string {
  if (/^[A-Za-z][\w-]*$/.test(name)) return name;
  const expected = "letters, digits, - and _";
  throw new Fault("config-invalid", `A GStreamer chain names ${JSON.stringify(name)}; expected ${expected}.`);
}

/** The words of the boards: what a hardware profile says, and what was found out about this machine. */
import type { VideoUnit } from "./media.ts";
import type { TranscodeTarget } from "./verdict.ts";

/** Size, rate and bit rate of a picture stream; each is the most that something is trusted with. */
export interface PictureLimits {
  /** Luma samples. */
  readonly width: number;
  readonly height: number;
  /** Pictures per second. */
  readonly fps: number;
  readonly bitsPerSecond: number;
}

/** Options of one ffmpeg codec, without the dash: `{rc_mode: "CBR"}`. */
export type CodecOptions = Readonly<Record<string, string>>;

/** One GStreamer element and what is set on it, by the names that `gst-inspect-1.0` lists. */
export interface GstreamerElement {
  readonly element: string;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
}

/** How a GStreamer encoder is told its bit rate, at the start and while it runs. */
export interface GstreamerBitrate {
  /** The element's property, a number. */
  readonly property: string;
  /** Bits per second in one unit of the property: 1, or 1000 where it counts kilobits. */
  readonly bitsPerUnit: number;
}

interface AnyChain {
  /** Unique within its profile. */
  readonly name: string;
  /**
   * Nodes that must exist: each a path, or alternatives of which one is enough. `*` stands for any text in the last
   * part of a path.
   */
  readonly devices: readonly (readonly string[])[];
  /** Kinds of V4L2 memory-to-memory device for H.264 that must exist. */
  readonly v4l2: readonly V4l2Role[];
  readonly limits: PictureLimits;
}

/** From H.264 to H.264 through one ffmpeg. */
export interface FfmpegChain extends AnyChain {
  readonly runner: "ffmpeg";
  /** Absent: ffmpeg's own decoder, in software. */
  readonly decode?: { readonly codec: string; readonly options: CodecOptions };
  readonly encode: { readonly codec: string; readonly options: CodecOptions };
  /**
   * Where the pictures are between decoder and encoder: in `memory`; in memory and sent up to the device for the
   * encoder alone (`vaapi-upload`); or on the device all the way (`vaapi`).
   */
  readonly frames: "memory" | "vaapi-upload" | "vaapi";
}

/**
 * From H.264 to H.264 through one GStreamer pipeline: decode, convert, encode. In every text these are replaced:
 *
 * - `{width}` `{height}`: the picture that is to come out, luma samples, even;
 * - `{fps}`: pictures per second that go into the encoder, a whole number;
 * - `{gop}`: pictures from one IDR to the next; `{profile}`: `constrained-baseline`, `main` or `high`;
 * - `{bitrate}`: bits per second; `{threads}`: threads of an encoder in software.
 */
export interface GstreamerChain extends AnyChain {
  readonly runner: "gstreamer";
  /** From H.264 in byte-stream form, whole access units with their caps, to pictures. */
  readonly decode: readonly GstreamerElement[];
  /** From the decoder's pictures to those that the encoder takes, in the size that is to come out. */
  readonly convert: readonly GstreamerElement[];
  /** Caps after `convert`, without size and rate: `video/x-raw(memory:NVMM), format=NV12`. */
  readonly caps: string;
  /** From pictures to H.264. The first element is the encoder. */
  readonly encode: readonly GstreamerElement[];
  /** Absent where the rate cannot be changed while the encoder runs: `{bitrate}` is among its properties then. */
  readonly bitrate?: GstreamerBitrate;
  /** Caps that the encoder must be held to, where its own choice fails: `level=(string)4`. */
  readonly encodedCaps?: string;
}

export type Chain = FfmpegChain | GstreamerChain;
export type Runner = Chain["runner"];
export type V4l2Role = "decoder" | "encoder";

/** One V4L2 memory-to-memory device, and what it does for H.264. */
export interface V4l2Device {
  /** `/dev/video11`. */
  readonly path: string;
  /** As the driver calls it. */
  readonly card: string;
  readonly role: V4l2Role;
  /** By what it was told: the formats that the device lists, or only its name. */
  readonly by: "formats" | "name";
}

/** One thing that tells how the board is: where it is read, its scale, and from when on it is bad. */
export interface HealthReading {
  readonly kind: "temperature" | "throttling" | "undervoltage" | "power-mode";
  readonly name: string;
  /** A thermal zone by its type; a file of a hwmon device by the device's name; or a path, `*` as in `devices`. */
  readonly where:
    | { readonly thermalZone: string }
    | { readonly hwmon: string; readonly file: string }
    | { readonly path: string };
  /** `hex` without a prefix, as the Raspberry Pi writes it; `counter`: only its rise says something. */
  readonly format: "number" | "hex" | "counter" | "text";
  /** What a number is multiplied with to give the unit: 0.001 from millidegrees to degrees. */
  readonly scale: number;
  /** Degrees Celsius, volts, ...; empty for flags, counters and texts. */
  readonly unit: string;
  /** The bits of a flag word that count; the reading is bad when one of them is set. */
  readonly mask?: number;
  readonly warn?: number;
  readonly critical?: number;
  /** What the value means, in words. */
  readonly meaning: string;
}

/** Something about the board that surprises, where it was told, and whether it was seen by us. */
export interface Quirk {
  readonly text: string;
  readonly source: string;
  readonly verified: boolean;
}

/** What a board must show to be recognised; every part that is there must hold. */
export interface BoardMatch {
  /** One of these must be among the board's device-tree `compatible` strings. */
  readonly compatible?: readonly string[];
  /** One of these must be a `vendor_id` of /proc/cpuinfo. */
  readonly cpuVendors?: readonly string[];
  /** File of /sys/class/dmi/id and the text that must be its content; `*`: any. */
  readonly dmi: Readonly<Record<string, string>>;
  /** As in a chain. */
  readonly devices: readonly (readonly string[])[];
}

/** One file of `hardware-profiles/`. */
export interface BoardProfile {
  /** The file's name without `.yaml`. */
  readonly name: string;
  readonly title: string;
  /** Whether somebody has run this profile on its board. */
  readonly verified: boolean;
  /** What the board has in hardware for H.264, in words; `none` where there is nothing. */
  readonly h264: { readonly decoder: string; readonly encoder: string };
  readonly match: BoardMatch;
  /** Best first. */
  readonly chains: readonly Chain[];
  /** Files that change when a codec's driver or firmware does; `*` as in `devices`. */
  readonly drivers: readonly string[];
  readonly health: readonly HealthReading[];
  readonly quirks: readonly Quirk[];
}

/** A chain that has shown on this machine what it can do. */
export interface ProvenChain {
  readonly chain: Chain;
  /** The device node that `vaapi` chains are given; absent where there is none. */
  readonly device?: string;
  /** The largest picture that it held at real time, and the most bits that it is trusted with. */
  readonly holds: PictureLimits;
  /** Seconds of stream per second of time, at that size. */
  readonly speed: number;
  /** Likeness of the worst picture to its original, 0 to 1 (SSIM). */
  readonly ssim: number;
}

/** One short piece of video to be sent through one chain. */
export interface ClipRequest {
  /** Its `holds` must not be smaller than the target, which would be stepped down. */
  readonly chain: ProvenChain;
  readonly target: TranscodeTarget;
  /** At most 60, the first an IDR. */
  readonly units: readonly VideoUnit[];
  /** Pictures that must come back; a chain may keep the last ones until there are more. */
  readonly enough: number;
  /** Milliseconds to the first picture, and from there to the last. */
  readonly limits: { readonly firstMs: number; readonly allMs: number };
}

export interface ClipResult {
  /** What came until all did or the time was up. */
  readonly units: readonly VideoUnit[];
  /** From the first picture that came out to the last, seconds. */
  readonly seconds: number;
}

/** Sends a clip through a chain, as the live line would. Rejects with a `Fault` when the chain dies or gives nothing. */
export type TranscodeClip = (request: ClipRequest, signal: AbortSignal) => Promise<ClipResult>;

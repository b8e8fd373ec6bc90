import type { VideoUnit } from "../domain/media.ts";
import { isSlice, nalType, typeOf } from "./h264.ts";
import { isBidirectional } from "./slice.ts";
import { parseSps, profileName } from "./sps.ts";
import type { SequenceParameters } from "./sps.ts";
import { rtpHeaderLength } from "./srtp.ts";

/** What a camera really sends, measured on its access units; never taken from a flag. */
export interface Measurement {
  readonly codec: "h264";
  readonly seconds: number;
  readonly pictures: number;
  readonly profile?: string;
  /** Level times ten: 40 is level 4.0. */
  readonly level?: number;
  readonly width?: number;
  readonly height?: number;
  readonly interlaced?: boolean;
  /** Pictures a second while they come: pauses do not count. */
  readonly fps: number;
  readonly bitsPerSecond: number;
  /** IDR pictures by NAL type 5. The spacing is absent with fewer than two of them. */
  readonly idr: {
    readonly count: number;
    readonly spacingMs?: { readonly min: number; readonly mean: number; readonly max: number };
    /** The longest stretch in which nobody could have begun to watch: also before the first IDR and after the last. */
    readonly longestWaitMs: number;
  };
  readonly bFrames: boolean;
  readonly slicesPerPicture: number;
  readonly parameterSets: {
    /** IDR pictures in whose packets SPS and PPS came; undefined where the source has no packets to look into. */
    readonly inBand?: number;
    /** Different SPS seen. */
    readonly variants: number;
  };
}

/** Gathers a `Measurement` over a stretch of stream. */
export class StreamMeter {
  readonly #idrTimes: number[] = [];
  readonly #stepsUs: number[] = [];
  readonly #sps = new Set<string>();
  #parameters: SequenceParameters | undefined;
  #pictures = 0;
  #bytes = 0;
  #slices = 0;
  #firstUs: number | undefined;
  #lastUs = 0;
  #lastDtsUs: number | undefined;
  #bFrames = false;
  #inBand: number | undefined;

  add(unit: VideoUnit): void {
    this.#firstUs ??= unit.ptsUs;
    this.#lastUs = Math.max(this.#lastUs, unit.ptsUs);
    this.#pictures += 1;
    if (this.#lastDtsUs !== undefined) this.#stepsUs.push(unit.dtsUs - this.#lastDtsUs);
    this.#lastDtsUs = unit.dtsUs;
    this.#bytes += unit.avcc.length;
    for (const nalu of unit.nalus) {
      const type = typeOf(nalu);
      if (type === nalType.sps) this.#addSps(nalu);
      if (!isSlice(type)) continue;
      this.#slices += 1;
      this.#bFrames ||= isBidirectional(nalu);
    }
    if (!unit.keyframe) return;
    this.#idrTimes.push(unit.ptsUs);
    if (unit.packets.length > 0) {
      this.#inBand = (this.#inBand ?? 0) + (unit.packets.some(carriesSps) ? 1 : 0);
    }
  }

  read(): Measurement {
    const seconds = (this.#lastUs - (this.#firstUs ?? 0)) / 1_000_000;
    const perSecond = (count: number): number => (seconds === 0 ? 0 : count / seconds);
    const parameters = this.#parameters;
    const spacing = spacingOf(this.#idrTimes);
    return {
      codec: "h264",
      seconds: round(seconds, 2),
      pictures: this.#pictures,
      ...(parameters && {
        profile: profileName(parameters),
        level: parameters.levelIdc,
        width: parameters.width,
        height: parameters.height,
        interlaced: parameters.interlaced,
      }),
      fps: round(rateOf(this.#stepsUs), 2),
      bitsPerSecond: Math.round(perSecond(this.#bytes * 8)),
      idr: {
        count: this.#idrTimes.length,
        ...(spacing && { spacingMs: spacing }),
        longestWaitMs: longestWait([this.#firstUs ?? 0, ...this.#idrTimes, this.#lastUs]),
      },
      bFrames: this.#bFrames,
      slicesPerPicture: round(this.#slices / Math.max(1, this.#pictures), 1),
      parameterSets: {
        ...(this.#inBand !== undefined && { inBand: this.#inBand }),
        variants: this.#sps.size,
      },
    };
  }

  #addSps(nalu: Uint8Array): void {
    const key = Buffer.from(nalu).toString("base64");
    if (this.#sps.has(key)) return;
    this.#sps.add(key);
    try {
      this.#parameters = parseSps(nalu);
    } catch {
      // unreadable: size and profile stay unknown
    }
  }
}

/** Measures the last 6 to 12 seconds of a stream that goes on. */
export class RollingMeter {
  #older = new StreamMeter();
  #younger = this.#older;
  #startedUs: number | undefined;

  add(unit: VideoUnit): void {
    this.#startedUs ??= unit.ptsUs;
    if (unit.ptsUs - this.#startedUs > rollingUs) {
      this.#older = this.#younger;
      this.#younger = new StreamMeter();
      this.#startedUs = unit.ptsUs;
    }
    this.#older.add(unit);
    if (this.#older !== this.#younger) this.#younger.add(unit);
  }

  read(): Measurement {
    return this.#older.read();
  }

  /** Forgets what was: something about the stream was changed. */
  reset(): void {
    this.#older = this.#younger = new StreamMeter();
    this.#startedUs = undefined;
  }
}

const rollingUs = 6_000_000;

/** So many times the usual step from one picture to the next is a pause: of the camera, or for lost packets. */
const pauseFactor = 4;

function rateOf(stepsUs: readonly number[]): number {
  const median = stepsUs.toSorted((a, b) => a - b)[Math.floor(stepsUs.length / 2)] ?? 0;
  const usual = stepsUs.filter((step) => step <= median * pauseFactor);
  const sum = usual.reduce((total, step) => total + step, 0);
  return sum === 0 ? 0 : (usual.length * 1_000_000) / sum;
}

function spacingOf(times: readonly number[]): { min: number; mean: number; max: number } | undefined {
  const gaps = times.slice(1).map((time, i) => (time - (times[i] ?? 0)) / 1000);
  if (gaps.length === 0) return undefined;
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  return { min: Math.round(Math.min(...gaps)), mean: Math.round(mean), max: Math.round(Math.max(...gaps)) };
}

function longestWait(times: readonly number[]): number {
  const gaps = times.slice(1).map((time, i) => (time - (times[i] ?? 0)) / 1000);
  return Math.round(Math.max(0, ...gaps));
}

/** Whether an RTP packet begins with an SPS, alone or in a STAP-A (RFC 6184, 5.6 and 5.7.1). */
function carriesSps(packet: Uint8Array): boolean {
  const buffer = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
  const start = rtpHeaderLength(buffer, buffer.length);
  if (start === undefined || start >= buffer.length) return false;
  const type = (buffer[start] ?? 0) & 0x1f;
  return type === nalType.sps || (type === 24 && ((buffer[start + 3] ?? 0) & 0x1f) === nalType.sps);
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

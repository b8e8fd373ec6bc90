import type { Writable } from "node:stream";
import { Fault } from "../domain/fault.ts";
import type { Source, Unit, VideoUnit } from "../domain/media.ts";
import type { Report, SourceCounters } from "../domain/status.ts";
import { startChild } from "../lib/child.ts";
import type { Child } from "../lib/child.ts";
import { nowUs } from "../lib/clock.ts";
import { childSignal } from "../lib/signals.ts";
import { watchForStall } from "../lib/stall.ts";
import { parseAudioSpecificConfig } from "../media/aac.ts";
import { FlvReader } from "../media/flv-reader.ts";
import type { FlvTag } from "../media/flv-reader.ts";
import { PictureAssembler } from "../media/flv-units.ts";
import { Timeline } from "../media/timeline.ts";

/** One run of ffmpeg that copies a picture (and perhaps AAC) as FLV to its standard output. */
export interface FfmpegRun {
  readonly argv: readonly string[];
  /** Writes what ffmpeg reads on its standard input, and ends it; must give up when `signal` aborts. */
  readonly feed?: (stdin: Writable, signal: AbortSignal) => Promise<void>;
  readonly mask?: (line: string) => string;
}

export interface FfmpegSourceOptions {
  readonly name: string;
  /** What ffmpeg does here, for an error text: "reading the file". */
  readonly purpose: string;
  /** Milliseconds without any data after which the source counts as dead. */
  readonly stallMs: number;
  readonly report: Report;
  /** Looks at the input and says how to run ffmpeg on it. */
  prepare(signal: AbortSignal): Promise<FfmpegRun>;
  /** Turns ffmpeg's death into the fault that a person understands. */
  explain?(fault: Fault): Fault;
}

const progressIntervalMs = 1000;
const flvClockRate = 1000;
/** Half an AAC unit: what comes closer is the overlap where a looped file whose sound outlasts its picture begins again. */
const shortestAudioStepUs = 10_000;
/** AAC is passed on only at the rates that every ingest takes. */
const passedSampleRates: readonly number[] = [44_100, 48_000];

/** A source whose demuxing is done by one ffmpeg child. Its time goes on upwards from one `run` to the next. */
export class FfmpegSource implements Source {
  readonly name: string;
  readonly #options: FfmpegSourceOptions;
  readonly #timeline = new Timeline(flvClockRate);
  readonly #counters = { units: 0, keyframes: 0, bytes: 0 };
  readonly #assembler = new PictureAssembler();
  #audioConfig: Buffer | undefined;
  /** The last picture: its session time and the FLV time it had. */
  #picture: { readonly dtsUs: number; readonly dtsMs: number } | undefined;
  #lastAudioUs = Number.NEGATIVE_INFINITY;

  constructor(options: FfmpegSourceOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** A file and an RTSP camera cannot be asked. */
  requestKeyframe(): void {}

  async run(emit: (unit: Unit) => void, signal: AbortSignal): Promise<void> {
    const { name, purpose, stallMs, report } = this.#options;
    using scope = childSignal(signal);
    let stalled = false;
    using stall = watchForStall(stallMs, () => {
      stalled = true;
      scope.abort();
    });
    const progress = (): void => report({ type: "source-progress", name, counters: this.#progress() });
    const timer = setInterval(progress, progressIntervalMs);
    let isFirst = true;
    const emitAndTell = (unit: Unit): void => {
      emit(unit);
      // At once: when a camera begins to send is what people wait for.
      if (isFirst) progress();
      isFirst = false;
    };
    this.#picture = undefined;
    try {
      const { argv, feed, mask } = await this.#options.prepare(scope.signal);
      await using child = await startChild("ffmpeg", argv, scope.signal, { purpose, ...(mask && { mask }) });
      const fed = feed?.(child.stdin, scope.signal).catch(() => {}); // its end is seen on the other side of ffmpeg
      await this.#readPictures(child, () => stall.beat(), emitAndTell, scope.signal);
      await child.done;
      await fed;
      throw new Fault("source-ended", `The end came while ${purpose}.`);
    } catch (error) {
      if (signal.aborted) return;
      if (stalled)
        throw new Fault("source-stalled", `No data came for ${stallMs / 1000} s while ${purpose}.`);
      throw error instanceof Fault ? this.#explain(error) : error;
    } finally {
      clearInterval(timer);
      progress();
    }
  }

  async #readPictures(
    child: Child,
    beat: () => void,
    emit: (unit: Unit) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const reader = new FlvReader();
    try {
      for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
        beat();
        const arrivalUs = nowUs();
        for (const tag of reader.push(chunk)) {
          if (signal.aborted) return;
          this.#take(tag, arrivalUs, emit);
        }
      }
    } catch (error) {
      if (error instanceof Fault) throw error;
      // The pipe broke: the child's end tells why.
    }
  }

  #take(tag: FlvTag, arrivalUs: number, emit: (unit: Unit) => void): void {
    switch (tag.kind) {
      case "avc-config":
        this.#assembler.configure(tag);
        return;
      case "video":
        emit(this.#toVideoUnit(tag, arrivalUs));
        return;
      case "aac-config":
        // Where a transport stream has not told it yet, ffmpeg writes an empty one first.
        if (tag.config.length > 0) this.#audioConfig = this.#acceptAudio(tag.config);
        return;
      case "aac":
        this.#emitAudio(tag.ptsMs, tag.payload, emit);
        return;
      case "unsupported":
        if (tag.media === "audio") return;
        throw unsupported(tag.codec, this.#options.purpose);
    }
  }

  #toVideoUnit(tag: FlvTag & { kind: "video" }, arrivalUs: number): VideoUnit {
    const restarted = this.#picture === undefined;
    const dtsUs = this.#timeline.toSessionUs(tag.dtsMs, arrivalUs, restarted);
    const ptsUs = dtsUs + (tag.ptsMs - tag.dtsMs) * 1000;
    this.#picture = { dtsUs, dtsMs: tag.dtsMs };
    const { nalus, avcc, keyframe } = this.#assembler.assemble(tag.avcc);
    this.#counters.units += 1;
    this.#counters.bytes += avcc.length;
    if (keyframe) this.#counters.keyframes += 1;
    const rtpTimestamp = Math.round(ptsUs * 0.09) >>> 0;
    return {
      kind: "video",
      ptsUs,
      dtsUs,
      rtpTimestamp,
      receivedUs: arrivalUs,
      keyframe,
      nalus,
      avcc,
      packets: [],
    };
  }

  #acceptAudio(config: Buffer): Buffer | undefined {
    if (this.#audioConfig?.equals(config) === true) return this.#audioConfig;
    try {
      if (passedSampleRates.includes(parseAudioSpecificConfig(config).sampleRate)) return config;
    } catch {} // told below
    const text = `The sound of the ${this.name} is left out: it must be AAC-LC, mono or stereo, at 44.1 or 48 kHz.`;
    this.#options.report({ type: "notice", part: this.name, severity: "warning", text });
    return undefined;
  }

  /** Sound is placed by its distance from the picture, so the two cannot drift apart. */
  #emitAudio(ptsMs: number, payload: Buffer, emit: (unit: Unit) => void): void {
    const [picture, config] = [this.#picture, this.#audioConfig];
    if (picture === undefined || config === undefined) return;
    const distanceMs = ((ptsMs - picture.dtsMs) << 1) >> 1; // ffmpeg's FLV times wrap at 31 bits
    const ptsUs = picture.dtsUs + distanceMs * 1000;
    if (ptsUs - this.#lastAudioUs < shortestAudioStepUs) return;
    this.#lastAudioUs = ptsUs;
    emit({ kind: "audio", ptsUs, codec: "aac", payload, config });
  }

  #progress(): SourceCounters {
    const never = { packets: 0, lostPackets: 0, recoveredPackets: 0, discardedPackets: 0, droppedUnits: 0 };
    return { ...this.#counters, ...never, restarts: 0, keyframeRequests: 0 };
  }

  #explain(fault: Fault): Fault {
    if (fault.code !== "child-failed") return fault;
    const codec = /Video codec (\w+) not compatible with flv/.exec(fault.message)?.[1];
    if (codec !== undefined) return unsupported(codec, this.#options.purpose, fault);
    if (/Stream map '[^']*' matches no streams/.test(fault.message))
      return unsupported("no", this.#options.purpose, fault);
    return this.#options.explain?.(fault) ?? fault;
  }
}

/** What every source says of a picture that is not H.264; `codec` is the name of what was found instead. */
export function unsupported(codec: string, purpose: string, cause?: Fault): Fault {
  const text = `Expected H.264 video, which is passed on as it is, but found ${codec} video while ${purpose}.`;
  return new Fault("source-unsupported", `${text} Set the camera or the file to H.264.`, { cause });
}

import type { DestinationKind } from "../../domain/destination.ts";
import type { Fault } from "../../domain/fault.ts";
import type { AudioUnit, Output, Source, Unit, VideoUnit } from "../../domain/media.ts";
import type { Attendance, Onlooker } from "../../domain/preview.ts";
import type { Report } from "../../domain/status.ts";
import type { CreateTranscoder } from "../../domain/transcoder.ts";
import { nowUs } from "../../lib/clock.ts";
import type { QueueLimits } from "../../lib/queue.ts";
import { childSignal } from "../../lib/signals.ts";
import { strictest } from "../../media/destination-rules.ts";
import type { DestinationRules } from "../../media/destination-rules.ts";
import { Hub } from "../../media/hub.ts";
import { Adaptation } from "../adapt/adaptation.ts";
import { CameraCare } from "../care/camera-care.ts";
import type { EncoderSettings } from "../care/encoder-settings.ts";
import { keepConverting } from "./audio-loop.ts";
import type { AudioConverter } from "./audio-loop.ts";
import { OutputLoop } from "./output-loop.ts";
import { createFormatTeller } from "./picture-format.ts";
import { PicturePath } from "./picture-path.ts";
import { Program } from "./program.ts";
import { rateRange } from "../adapt/rate-range.ts";
import type { RateLimits } from "../adapt/rate-range.ts";
import { runSource } from "../run-source.ts";

export interface SessionParts {
  readonly source: Source;
  readonly outputs: readonly Output[];
  /** Whose rules each output's stream must keep, by its name; any RTMP server's where it is not named. */
  readonly destinations: Readonly<Record<string, DestinationKind>>;
  /** Absent when the outputs make their own silence or no sound at all: then the camera's sound is dropped here. */
  readonly createAudio?: (emit: (unit: AudioUnit) => void) => AudioConverter;
  readonly createTranscoder?: CreateTranscoder;
  /** Whether a track of sound, be it silence, goes with the picture. */
  readonly hasAudio: boolean;
  readonly queue: QueueLimits;
  /** Longest time to hold the last picture while the camera is away, milliseconds; 0: not at all. */
  readonly holdMs: number;
  /** Shown every picture of the camera before anything is made of it. */
  readonly onlooker?: Onlooker;
}

/** What a session shares with the supervisor, as it outlives the session or changes while it runs. */
export interface SessionContext {
  readonly encoder: EncoderSettings;
  readonly rateLimits: () => RateLimits;
  readonly idrSeconds: () => number;
  /** Steps by which an encoder should do less, as the machine is hot; `setStrain` tells another. */
  readonly strain: () => number;
  readonly report: Report;
}

/** A camera whose pictures stay out for longer than this is away. */
const awayUs = 300_000;

/**
 * One source, its outputs, and what lies between them: judging the camera, the path of the picture, holding it, the
 * bit rate. `run` resolves when aborted; it rejects with a `Fault` when the source, or every output, has failed for
 * good.
 */
export class Session {
  readonly #parts: SessionParts;
  readonly #context: SessionContext;
  readonly #hub = new Hub();
  readonly #program: Program;
  readonly #audio: AudioConverter | undefined;
  readonly #running = new Map<string, OutputLoop>();
  #destinations: readonly string[];
  #startOutputs: (() => void) | undefined;
  #sourceRunning = false;
  #path: PicturePath | undefined;
  #attendance: Attendance | undefined;
  readonly #tellFormat: (unit: VideoUnit) => void;
  /** When the camera's newest picture came. */
  #acceptedUs = Number.NEGATIVE_INFINITY;

  /** `destinations` names the outputs to publish to at first. */
  constructor(parts: SessionParts, context: SessionContext, destinations: readonly string[]) {
    this.#parts = parts;
    this.#context = context;
    this.#destinations = destinations;
    this.#tellFormat = createFormatTeller(context.report);
    this.#program = new Program({
      hub: this.#hub,
      holdMs: parts.holdMs,
      requestKeyframe: () => this.requestKeyframe(),
      cameraSends: () => this.#sourceRunning && nowUs() - this.#acceptedUs < awayUs,
      report: context.report,
    });
    this.#audio = parts.createAudio?.((unit) => this.#program.publishSound(unit));
  }

  async run(signal: AbortSignal): Promise<void> {
    using scope = childSignal(signal);
    const { report, encoder } = this.#context;
    const { source, createTranscoder, hasAudio } = this.#parts;
    using program = this.#program;
    using attendance = this.#parts.onlooker?.attend({ requestKeyframe: () => this.requestKeyframe() });
    this.#attendance = attendance;
    const path = new PicturePath(
      {
        ...(createTranscoder && { createTranscoder }),
        publish: (unit) => this.#publish(unit, adaptation),
        gop: () => program.gop,
        report,
      },
      scope.signal,
    );
    path.setStrain(this.#context.strain());
    this.#path = path;
    using adaptation = new Adaptation({
      outputs: () => [...this.#running.values()],
      range: () => rateRange(this.#context.rateLimits(), this.#rules(), encoder, path.encoding),
      isLive: () => this.#sourceRunning && !program.isHolding,
      ask: (rate) => {
        if (path.path === "transcode") path.setRate(rate);
        else encoder.want({ targetBitrate: rate });
      },
      report,
    });
    using care = new CameraCare({
      source,
      encoder,
      rules: () => this.#rules(),
      idrSeconds: this.#context.idrSeconds,
      audio: hasAudio,
      canTranscode: createTranscoder !== undefined,
      setTranscode: (target) => path.setTarget(target),
      report,
    });
    const allOutputsFailed = Promise.withResolvers<never>();
    this.#startOutputs = () => this.#startMissingOutputs(allOutputsFailed.reject, scope.signal);
    this.#startOutputs();
    const sourceDone = this.#runSource(path, care, scope.signal);
    const audioDone = this.#audio && keepConverting(this.#audio, report, scope.signal);
    try {
      await Promise.race([sourceDone, allOutputsFailed.promise]);
    } finally {
      this.#startOutputs = undefined;
      scope.abort();
      const outputsDone = [...this.#running.values()].map(({ done }) => done);
      await Promise.allSettled([sourceDone, audioDone, ...outputsDone]);
    }
  }

  /** Encodes so many steps less than the machine could; a copy is not touched. */
  setStrain(steps: number): void {
    this.#path?.setStrain(steps);
  }

  /** Ends the outputs that are not named and starts those that are; the others do not feel it. */
  setDestinations(names: readonly string[]): void {
    this.#destinations = names;
    for (const [name, output] of this.#running) {
      if (names.includes(name)) continue;
      output.end();
      void output.done.then(() => {
        this.#context.report({ type: "output", name, state: "idle" });
        this.#startOutputs?.(); // it may be wanted again by then
      });
    }
    this.#startOutputs?.();
  }

  requestKeyframe(): void {
    this.#parts.source.requestKeyframe();
  }

  /** Gives outputs that have failed for good another chance: somebody said `start` again. */
  reviveFailedOutputs(): void {
    for (const output of this.#running.values()) output.revive();
  }

  #rules(): DestinationRules {
    return strictest(this.#destinations.map((name) => this.#parts.destinations[name] ?? "generic"));
  }

  #startMissingOutputs(giveUp: (fault: Fault) => void, signal: AbortSignal): void {
    for (const output of this.#parts.outputs) {
      if (!this.#destinations.includes(output.name) || this.#running.has(output.name)) continue;
      const loop = new OutputLoop(
        {
          output,
          hub: this.#hub,
          queue: this.#parts.queue,
          report: this.#context.report,
          requestKeyframe: () => this.requestKeyframe(),
          onFailed: (fault) => {
            if ([...this.#running.values()].every(({ hasFailed }) => hasFailed)) giveUp(fault);
          },
        },
        signal,
      );
      this.#running.set(output.name, loop);
      void loop.done.finally(() => this.#running.delete(output.name));
    }
  }

  async #runSource(path: PicturePath, care: CameraCare, signal: AbortSignal): Promise<void> {
    const hooks = {
      onAttempt: (): void => {
        this.#sourceRunning = false;
        care.pause();
        void this.#context.encoder.takeOver(); // beside the connection, so that the first picture does not wait for it
      },
      onBegin: (): void => {
        this.#sourceRunning = true;
        care.begin();
      },
      accept: (unit: Unit): void => this.#accept(unit, path, care),
    };
    await runSource(this.#parts.source, this.#context.report, hooks, signal);
  }

  #accept(unit: Unit, path: PicturePath, care: CameraCare): void {
    if (unit.kind === "audio") return this.#audio?.push(unit);
    this.#acceptedUs = nowUs();
    this.#attendance?.show(unit);
    care.add(unit);
    path.accept(unit);
  }

  #publish(unit: VideoUnit, adaptation: Adaptation): void {
    this.#tellFormat(unit);
    adaptation.note(unit.avcc.length);
    this.#program.publish(unit);
  }
}

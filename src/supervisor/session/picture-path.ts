import { toFault } from "../../domain/fault.ts";
import type { Unit, VideoUnit } from "../../domain/media.ts";
import type { Path, Report } from "../../domain/status.ts";
import type { CreateTranscoder, Transcoder } from "../../domain/transcoder.ts";
import type { TranscodeTarget } from "../../domain/verdict.ts";
import { retry } from "../../lib/retry.ts";
import { childSignal } from "../../lib/signals.ts";
import { GopCache } from "../../media/gop-cache.ts";
import { nalType, typeOf } from "../../media/h264.ts";
import type { ParameterSets } from "../../media/h264.ts";
import { transcoderRetryPolicy } from "../retry-policy.ts";

export interface PicturePathOptions {
  /** Absent where pictures are never encoded anew. */
  readonly createTranscoder?: CreateTranscoder;
  /** Takes what the viewers are to see, in order; a picture that comes after a switch may have an earlier time. */
  readonly publish: (unit: VideoUnit) => void;
  /** What was published since the last IDR; empty while the camera's pictures are not among it. */
  readonly gop: () => readonly Unit[];
  readonly report: Report;
}

/** Where another bit rate needs another encoder, only a change of this share is worth one. */
const worthAnEncoder = 0.15;

interface Encoder {
  /** What it makes. */
  target: TranscodeTarget;
  readonly strain: number;
  readonly transcoder: Transcoder;
  readonly scope: ReturnType<typeof childSignal>;
  /** IDR pictures to come before the one that is the first to be shown. */
  passedOver: number;
}

/**
 * IDR pictures of a new encoder that are not shown while there is something to copy. They are late by the time that it
 * takes to start; and where the camera gives no IDR, they are damaged until its refresh has gone over the whole picture,
 * which takes up to two of its rounds.
 */
const unsureIdrs = 2;

/**
 * Takes the camera's pictures to the viewers: as they are, or through an encoder. Goes from one to the other, and from
 * one encoder to the next, at an IDR, without a gap: the old way is left when the new one has given a good one.
 */
export class PicturePath {
  readonly #options: PicturePathOptions;
  readonly #life: AbortSignal;
  readonly #gop = new GopCache();
  #current: Encoder | undefined;
  #next: Encoder | undefined;
  /** The camera's pictures since the IDR at which the encoder is left, while its last ones come out. */
  #leaving: VideoUnit[] | undefined;
  #judged: TranscodeTarget | undefined;
  #strain = 0;
  #wantsCopy = true;
  /** The camera's pictures go on only with an IDR: those before it follow nothing that the viewers have seen. */
  #awaitsIdr = false;
  #sets: Partial<ParameterSets> = {};

  constructor(options: PicturePathOptions, signal: AbortSignal) {
    this.#options = options;
    this.#life = signal;
  }

  get path(): Path {
    return this.#current === undefined ? "copy" : "transcode";
  }

  /** Takes one picture of the camera. Never blocks and never throws. */
  accept(unit: VideoUnit): void {
    this.#keepParameterSets(unit);
    if (this.#leaving !== undefined) return void this.#leaving.push(unit);
    if (this.#current === undefined && this.#next === undefined) return this.#copy(unit);
    if (this.#current !== undefined && this.#wantsCopy && unit.keyframe) return this.#leave(unit);
    this.#gop.push(unit);
    this.#next?.transcoder.push(unit);
    if (this.#current === undefined) this.#copy(unit);
    else this.#current.transcoder.push(unit);
  }

  /** The bit rate that `setTarget` wanted, while pictures are encoded anew. */
  get encoding(): number | undefined {
    return this.#current === undefined ? undefined : this.#judged?.bitsPerSecond;
  }

  /** Encodes anew like this, or (undefined) passes on as it is, from the next IDR on. */
  setTarget(target: TranscodeTarget | undefined): void {
    this.#judged = target;
    this.#aim(target);
  }

  #aim(target: TranscodeTarget | undefined): void {
    this.#wantsCopy = target === undefined;
    if (target === undefined) {
      this.#end(this.#next);
      this.#next = undefined;
      if (this.#current === undefined) this.#gop.clear();
      return;
    }
    const planned = this.#next ?? (this.#leaving === undefined ? this.#current : undefined);
    const isAsStrained = planned?.strain === this.#strain;
    if (planned !== undefined && isAsStrained && suits(planned, target)) return;
    this.#end(this.#next);
    this.#next = this.#begin(target);
  }

  /** Another bit rate for the encoder, where there is one. */
  setRate(bitsPerSecond: number): void {
    this.#aimAgain({ bitsPerSecond });
  }

  /** Encodes less, with another encoder where there is one; what is copied stays as it is. */
  setStrain(steps: number): void {
    if (steps === this.#strain) return;
    this.#strain = steps;
    this.#aimAgain({});
  }

  #aimAgain(change: Partial<TranscodeTarget>): void {
    const target = (this.#next ?? this.#current)?.target;
    if (target !== undefined && !this.#wantsCopy) this.#aim({ ...target, ...change });
  }

  #copy(unit: VideoUnit): void {
    if (this.#awaitsIdr && !unit.keyframe) return;
    this.#awaitsIdr = false;
    this.#options.publish(unit);
  }

  /** A camera that refreshes its picture gradually may send them once and never again. */
  #keepParameterSets({ nalus }: VideoUnit): void {
    for (const nalu of nalus) {
      const type = typeOf(nalu);
      if (type === nalType.sps) this.#sets = { ...this.#sets, sps: Buffer.from(nalu) };
      else if (type === nalType.pps) this.#sets = { ...this.#sets, pps: Buffer.from(nalu) };
    }
  }

  #begin(target: TranscodeTarget): Encoder | undefined {
    const { createTranscoder, report } = this.#options;
    if (createTranscoder === undefined) return undefined;
    const scope = childSignal(this.#life);
    const { sps, pps } = this.#sets;
    const encoder: Encoder = {
      target,
      strain: this.#strain,
      scope,
      passedOver: unsureIdrs,
      transcoder: createTranscoder({
        target,
        strain: this.#strain,
        report,
        ...(sps && pps && { parameterSets: { sps, pps } }),
        gop: () => this.#gopNow().filter((unit) => unit.kind === "video"),
        emit: (unit) => this.#emit(unit, encoder),
      }),
    };
    const warn = (text: string): void =>
      report({ type: "notice", part: "transcode", severity: "warning", text });
    retry((attempt) => encoder.transcoder.run(attempt), transcoderRetryPolicy, scope.signal, {
      onWait: ({ message }) => warn(`${message} It is started again.`),
    }).catch((error: unknown) => {
      warn(`The picture cannot be encoded anew: ${toFault(error).message}`);
      this.#awaitsIdr ||= encoder === this.#current;
      if (encoder === this.#current) this.#tell("copy", "The picture can no longer be encoded anew.");
      this.#forget(encoder);
    });
    return encoder;
  }

  /** The camera's GOP. It is only kept while there is an encoder; before that, it is what was published. */
  #gopNow(): readonly Unit[] {
    return this.#current === undefined && this.#gop.isEmpty ? this.#options.gop() : this.#gop.units;
  }

  #emit(unit: VideoUnit, encoder: Encoder): void {
    if (unit.keyframe) encoder.passedOver -= 1;
    const isGood = this.#current !== undefined || encoder.passedOver < 0;
    if (encoder === this.#next && unit.keyframe && isGood) {
      const from = this.#current === undefined ? "copied" : "encoded otherwise";
      this.#end(this.#current);
      this.#current = encoder;
      this.#next = undefined;
      const megabits = (encoder.target.bitsPerSecond / 1e6).toFixed(2);
      this.#tell("transcode", `The picture is encoded anew with ${megabits} Mbit/s; it was ${from} before.`);
    }
    if (encoder === this.#current) this.#options.publish(unit);
  }

  /** Back to the camera's own pictures: from this IDR on, as soon as the encoder has given what came before it. */
  #leave(idr: VideoUnit): void {
    const encoder = this.#current;
    if (encoder === undefined) return;
    this.#leaving = [idr];
    void encoder.transcoder.drain().then(() => {
      this.#forget(encoder);
      this.#end(encoder);
      const units = this.#leaving ?? [];
      this.#leaving = undefined;
      if (this.#life.aborted) return;
      this.#tell("copy", "The camera's own picture is passed on again.");
      for (const unit of units) this.accept(unit); // to an encoder too, where one is wanted again
    });
  }

  #forget(encoder: Encoder): void {
    if (this.#current === encoder) this.#current = undefined;
    if (this.#next === encoder) this.#next = undefined;
    if (this.#current === undefined && this.#next === undefined) this.#gop.clear();
  }

  #end(encoder: Encoder | undefined): void {
    encoder?.scope[Symbol.dispose]();
  }

  #tell(path: Path, reason: string): void {
    this.#options.report({ type: "path", path, reason });
  }
}

/** Whether an encoder makes what is wanted, or almost; it is told another rate, and some take that while they run. */
function suits(encoder: Encoder, wanted: TranscodeTarget): boolean {
  const { bitsPerSecond: rate, ...shape } = encoder.target;
  const { bitsPerSecond: wantedRate, ...wantedShape } = wanted;
  if (JSON.stringify(shape) !== JSON.stringify(wantedShape)) return false;
  if (!encoder.transcoder.setBitrate(wantedRate)) return Math.abs(wantedRate - rate) <= rate * worthAnEncoder;
  encoder.target = wanted;
  return true;
}

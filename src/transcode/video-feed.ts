import type { Writable } from "node:stream";
import type { VideoUnit } from "../domain/media.ts";
import { nowUs } from "../lib/clock.ts";
import { flvFileHeader, flvFrameRateTag, flvSequenceHeaderTag, flvVideoTag } from "../media/flv-writer.ts";
import type { ParameterSets } from "../media/h264.ts";
import { PictureLedger } from "./picture-ledger.ts";
import type { SourceTimes } from "./picture-ledger.ts";

/** Pictures that ffmpeg may owe us; a healthy one owes one. */
const maxUnits = 60;
/** Bytes of those pictures, those replayed at the start included; below what one FLV tag can hold. */
const maxBytes = 16_000_000;
/** A replay must leave room for what comes meanwhile, and be over soon. */
const maxReplayBytes = 12_000_000;
const maxReplayUs = 10_000_000;
/** After a pause this long nothing is owed from before it: the source, not ffmpeg, was silent. */
const pauseUs = 1_000_000;

/** Whether these pictures are not too much to begin with. */
export function canReplay(units: readonly VideoUnit[]): boolean {
  const bytes = units.reduce((sum, { avcc }) => sum + avcc.length, 0);
  return bytes <= maxReplayBytes && durationUs(units) <= maxReplayUs;
}

/** What is written to one ffmpeg, and what it owes for it. Nothing here blocks or throws. */
export class VideoFeed {
  readonly #ledger = new PictureLedger();
  readonly #stallUs: number;
  #stdin: Writable | undefined;
  /** What was given before ffmpeg had started. */
  #early: Buffer[] = [flvFileHeader()];
  #sets: ParameterSets | undefined;
  /** Pictures replayed only so that the newest of them can be decoded: they do not come out. */
  #silent = 0;
  #replayedUs = 0;
  #newestReplayedUs = Number.NEGATIVE_INFINITY;
  #refuses = false;
  #offeredUs = Number.NEGATIVE_INFINITY;
  #owesSinceUs: number | undefined;
  #waiting: { readonly ptsMs: number; readonly resolve: () => void }[] = [];

  /**
   * `stallMs`: ffmpeg has stalled when it was given pictures for so long and has given none back. `toldFps`: pictures
   * per second that the stream says of itself.
   */
  constructor(stallMs: number, toldFps?: number) {
    this.#stallUs = stallMs * 1000;
    if (toldFps !== undefined) this.#early.push(flvFrameRateTag(toldFps));
  }

  /** Writes pictures of the past, the last of which is the current one. Gives that one's time on ffmpeg's clock. */
  replay(units: readonly VideoUnit[], sets: ParameterSets): number {
    for (const unit of units) this.#write(unit, sets);
    this.#silent = units.length - 1;
    this.#newestReplayedUs = units.at(-1)?.dtsUs ?? Number.NEGATIVE_INFINITY;
    this.#replayedUs = durationUs(units);
    this.#owe();
    return this.#ledger.newestMs;
  }

  /** Everything given so far and from now on goes to this pipe. */
  attach(stdin: Writable): void {
    this.#stdin = stdin;
    for (const bytes of this.#early.splice(0)) stdin.write(bytes);
  }

  /**
   * Gives ffmpeg one picture. Refuses it (false) when ffmpeg owes too much, and from then on every picture until there
   * is room again and one comes that `mayBegin`.
   */
  push(unit: VideoUnit, sets: ParameterSets, mayBegin: boolean): boolean {
    if (unit.dtsUs <= this.#newestReplayedUs) return true; // it was replayed
    this.#newestReplayedUs = Number.NEGATIVE_INFINITY;
    this.#owe();
    const units = this.#ledger.units - this.#silent;
    const fits = this.#ledger.bytes + unit.avcc.length <= maxBytes;
    this.#refuses = this.#refuses ? !(mayBegin && fits && units <= maxUnits / 2) : !fits || units >= maxUnits;
    if (!this.#refuses) this.#write(unit, sets);
    return !this.#refuses;
  }

  /** A picture has come back. Gives what the source said of it. */
  take(ptsMs: number): SourceTimes {
    const times = this.#ledger.strike(ptsMs);
    this.#silent = 0;
    this.advance();
    this.#waiting = this.#waiting.filter(({ ptsMs, resolve }) => {
      const settled = this.#ledger.isSettledUpTo(ptsMs);
      if (settled) resolve();
      return !settled;
    });
    return times;
  }

  /** ffmpeg has done something. */
  advance(): void {
    this.#owesSinceUs = undefined;
    this.#replayedUs = 0;
  }

  /** Resolves when all that was pushed so far has come back, or when the feed ends. */
  settled(): Promise<void> {
    const ptsMs = this.#ledger.newestMs;
    if (this.#ledger.isSettledUpTo(ptsMs)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ ptsMs, resolve }));
  }

  /** Nothing will come back any more. */
  end(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve();
    this.#stdin = undefined;
    this.#early = [];
  }

  /** Whether pictures were offered without a pause for too long, the time of the replay added, and none came back. */
  get hasStalled(): boolean {
    const sinceUs = this.#owesSinceUs;
    return sinceUs !== undefined && this.#offeredUs - sinceUs > this.#stallUs + this.#replayedUs;
  }

  get isExhausted(): boolean {
    return this.#ledger.isExhausted;
  }

  #owe(): void {
    const now = nowUs();
    if (this.#owesSinceUs === undefined || now - this.#offeredUs > pauseUs) this.#owesSinceUs = now;
    this.#offeredUs = now;
  }

  #write(unit: VideoUnit, sets: ParameterSets): void {
    const { dtsMs, ptsMs } = this.#ledger.enter(unit);
    if (sets !== this.#sets) this.#send(flvSequenceHeaderTag(sets, dtsMs));
    this.#sets = sets;
    this.#send(flvVideoTag(unit, dtsMs, ptsMs));
  }

  #send(bytes: Buffer): void {
    if (this.#stdin === undefined) this.#early.push(bytes);
    else this.#stdin.write(bytes);
  }
}

function durationUs(units: readonly VideoUnit[]): number {
  const [first, last] = [units[0], units.at(-1)];
  return first === undefined || last === undefined ? 0 : last.dtsUs - first.dtsUs;
}

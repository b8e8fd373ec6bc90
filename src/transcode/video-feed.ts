import type { Writable } from "node:stream";
import type { VideoUnit } from "../domain/media.ts";
import { nowUs } from "../lib/clock.ts";
import type { ParameterSets } from "../media/h264.ts";
import { PictureLedger } from "./picture-ledger.ts";
import type { FedTimes, SourceTimes } from "./picture-ledger.ts";
import type { PictureWriter } from "./picture-writer.ts";

/** Pictures that the encoder's process may owe us; a healthy one owes one. */
const maxUnits = 60;
/** Bytes of those pictures, those replayed at the start included; below what one FLV tag can hold. */
const maxBytes = 16_000_000;
/** A replay must leave room for what comes meanwhile, and be over soon. */
const maxReplayBytes = 12_000_000;
const maxReplayUs = 10_000_000;
/** After a pause this long nothing is owed from before it: the source, not the encoder, was silent. */
const pauseUs = 1_000_000;

/** Whether these pictures are not too much to begin with. */
export function canReplay(units: readonly VideoUnit[]): boolean {
  const bytes = units.reduce((sum, { avcc }) => sum + avcc.length, 0);
  return bytes <= maxReplayBytes && durationUs(units) <= maxReplayUs;
}

/** What is written to one encoder's process, and what it owes for it. Nothing here blocks or throws. */
export class VideoFeed {
  readonly #ledger = new PictureLedger();
  readonly #stallUs: number;
  readonly #writer: PictureWriter;
  #stdin: Writable | undefined;
  /** What was given before the process had started. */
  #early: Buffer[] = [];
  #sets: ParameterSets | undefined;
  /** Pictures replayed only so that the newest of them can be decoded: they do not come out. */
  #silent = 0;
  #replayedUs = 0;
  #newestReplayedUs = Number.NEGATIVE_INFINITY;
  #refuses = false;
  #offeredUs = Number.NEGATIVE_INFINITY;
  #owesSinceUs: number | undefined;
  #waiting: { readonly ptsMs: number; readonly resolve: () => void }[] = [];

  /** `stallMs`: the process has stalled when it was given pictures for so long and has given none back. */
  constructor(stallMs: number, writer: PictureWriter) {
    this.#stallUs = stallMs * 1000;
    this.#writer = writer;
  }

  /**
   * Begins with pictures of the past, the last of which is the current one: only that one is to come out, or none of
   * them where it has been shown before. Gives the time from which on pictures come out, on the process's clock.
   */
  replay(units: readonly VideoUnit[], sets: ParameterSets, showsCurrent: boolean): number {
    const times = units.map((unit) => this.#ledger.enter(unit));
    const showFromMs = this.#ledger.newestMs + (showsCurrent ? 0 : 1);
    this.#sets = sets;
    this.#send(this.#writer.begin(sets, showFromMs));
    for (const [index, unit] of units.entries()) this.#write(unit, sets, times[index]);
    this.#silent = units.length - 1;
    this.#newestReplayedUs = units.at(-1)?.dtsUs ?? Number.NEGATIVE_INFINITY;
    this.#replayedUs = durationUs(units);
    this.#owe();
    return showFromMs;
  }

  /** Everything given so far and from now on goes to this pipe. */
  attach(stdin: Writable): void {
    this.#stdin = stdin;
    for (const bytes of this.#early.splice(0)) stdin.write(bytes);
  }

  /**
   * Gives one picture. Refuses it (false) when too much is owed, and from then on every picture until there
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

  /** The process has done something. */
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

  #write(unit: VideoUnit, sets: ParameterSets, times: FedTimes = this.#ledger.enter(unit)): void {
    if (sets !== this.#sets) this.#send(this.#writer.change(sets, times.dtsMs));
    this.#sets = sets;
    this.#send(this.#writer.picture(unit, times));
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

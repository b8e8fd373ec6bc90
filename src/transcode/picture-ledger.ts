import type { VideoUnit } from "../domain/media.ts";

/** The times of a picture on the clock of the encoder's process, whole milliseconds. */
export interface FedTimes {
  readonly dtsMs: number;
  readonly ptsMs: number;
}

export type SourceTimes = Pick<VideoUnit, "ptsUs" | "rtpTimestamp" | "receivedUs">;

type Owed = SourceTimes & FedTimes & { readonly bytes: number };

/** A longer step of the source's time is made this short: ffmpeg mistrusts long ones. */
const longestStepMs = 10_000;
const stepAfterJumpMs = 1000;
/** FLV as ffmpeg writes it has 31 bits; what is left are ten minutes. */
const lastMs = 2 ** 31 - 600_000;

/**
 * What a process was given and has not given back, and the way between the session's clock and its own. That one begins
 * at 0 with the first picture and strictly rises, whatever the source's does; each picture that comes back gets the
 * exact times it had.
 */
export class PictureLedger {
  /** By `ptsMs`, in decoding order. */
  readonly #owed = new Map<number, Owed>();
  #bytes = 0;
  #lastDtsUs: number | undefined;
  #last: FedTimes = { dtsMs: -1, ptsMs: -1 };
  /** Session time of 0 on the process's clock. */
  #offsetUs = 0;

  /** Enters a picture that is being given to the process. */
  enter(unit: VideoUnit): FedTimes {
    const dtsMs = this.#nextDtsMs(unit.dtsUs);
    let ptsMs = Math.max(dtsMs, Math.round((unit.ptsUs - this.#offsetUs) / 1000));
    while (this.#owed.has(ptsMs)) ptsMs += 1;
    const { ptsUs, rtpTimestamp, receivedUs } = unit;
    const bytes = unit.avcc.length;
    this.#owed.set(ptsMs, { ptsUs, rtpTimestamp, receivedUs, dtsMs, ptsMs, bytes });
    this.#bytes += bytes;
    this.#lastDtsUs = unit.dtsUs;
    this.#last = { dtsMs, ptsMs };
    return this.#last;
  }

  /**
   * Strikes out the picture with this time, and all that are shown before it: those were left out or not decodable.
   * Gives what the source said of it; of a picture that was never entered, what follows from its time.
   */
  strike(ptsMs: number): SourceTimes {
    const found = this.#owed.get(ptsMs);
    for (const owed of this.#owed.values()) {
      if (owed.dtsMs > ptsMs) break;
      if (owed.ptsMs > ptsMs) continue;
      this.#owed.delete(owed.ptsMs);
      this.#bytes -= owed.bytes;
    }
    if (found !== undefined) {
      return { ptsUs: found.ptsUs, rtpTimestamp: found.rtpTimestamp, receivedUs: found.receivedUs };
    }
    const ptsUs = this.#offsetUs + ptsMs * 1000;
    return { ptsUs, rtpTimestamp: Math.round(ptsUs * 0.09) >>> 0, receivedUs: ptsUs };
  }

  /** Whether every picture shown up to this time has been struck out. */
  isSettledUpTo(ptsMs: number): boolean {
    for (const owed of this.#owed.values()) if (owed.ptsMs <= ptsMs) return false;
    return true;
  }

  /** Pictures that have not come back. */
  get units(): number {
    return this.#owed.size;
  }

  /** The bytes of those pictures. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The latest time of any picture in it, or of the last one that was; -1 at first. */
  get newestMs(): number {
    return Math.max(this.#last.ptsMs, ...this.#owed.keys());
  }

  /** True when the process's clock can hardly go on: after 24 days without a pause. */
  get isExhausted(): boolean {
    return this.#last.dtsMs > lastMs;
  }

  #nextDtsMs(dtsUs: number): number {
    const stepUs = dtsUs - (this.#lastDtsUs ?? Number.NEGATIVE_INFINITY);
    const dtsMs = Math.round((dtsUs - this.#offsetUs) / 1000);
    const mayFollow = stepUs > 0 && stepUs <= longestStepMs * 1000;
    if (mayFollow) return Math.max(dtsMs, this.#last.dtsMs + 1);
    const jumped = this.#last.dtsMs + (stepUs > 0 && this.#lastDtsUs !== undefined ? stepAfterJumpMs : 1);
    this.#offsetUs = dtsUs - jumped * 1000;
    return jumped;
  }
}

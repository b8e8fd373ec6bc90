/**
 * Carries a camera's RTP clock over to the session's microseconds: unwraps the 32 bits, joins a restarted or jumping
 * clock on without ever going back, and follows a clock that runs a little fast or slow by at most `maximumSlew`, so
 * that days later a picture's time is still the time at which it came.
 */
const maximumSlew = 0.0005;
const slewWindowUs = 10_000_000;
const jumpUs = 10_000_000;
const defaultFrameUs = 33_333;

export class Timeline {
  readonly #clockRate: number;
  #lastTimestamp = 0;
  #mediaUs = 0;
  /** Session time minus unwrapped camera time. */
  #offsetUs: number | undefined;
  #lastUs = Number.NEGATIVE_INFINITY;
  #frameUs = defaultFrameUs;
  #windowStartUs = 0;
  #earliestUs = Number.POSITIVE_INFINITY;
  #baselineUs: number | undefined;
  #errorUs = 0;

  constructor(clockRate = 90_000) {
    this.#clockRate = clockRate;
  }

  /**
   * The session time of a picture, strictly greater than the one before it. `restarted` says that this timestamp has
   * nothing to do with the last one (new SSRC); a jump of more than 10 s is taken for one too.
   */
  toSessionUs(timestamp: number, arrivalUs: number, restarted: boolean): number {
    const stepUs = (((timestamp - this.#lastTimestamp) | 0) * 1_000_000) / this.#clockRate;
    this.#lastTimestamp = timestamp;
    if (this.#offsetUs === undefined || restarted || Math.abs(stepUs) > jumpUs) {
      this.#anchor(arrivalUs);
    } else {
      this.#mediaUs += stepUs;
      if (stepUs > 0 && stepUs < 1_000_000) this.#frameUs = stepUs;
      this.#follow(arrivalUs, stepUs);
    }
    const us = Math.max(Math.round(this.#mediaUs + (this.#offsetUs ?? 0)), this.#lastUs + 1);
    this.#lastUs = us;
    return us;
  }

  /** The session time of any timestamp within 2^31 ticks of the last one, without moving on; undefined at first. */
  peekUs(timestamp: number): number | undefined {
    if (this.#offsetUs === undefined) return undefined;
    const stepUs = (((timestamp - this.#lastTimestamp) | 0) * 1_000_000) / this.#clockRate;
    return Math.round(this.#mediaUs + stepUs + this.#offsetUs);
  }

  #anchor(arrivalUs: number): void {
    this.#mediaUs = 0;
    this.#offsetUs = Math.max(arrivalUs, this.#lastUs + this.#frameUs);
    this.#baselineUs = undefined;
    this.#errorUs = 0;
    this.#windowStartUs = arrivalUs;
    this.#earliestUs = Number.POSITIVE_INFINITY;
  }

  /** The earliest arrival within a window is free of jitter: its drift against the first window is the clock's. */
  #follow(arrivalUs: number, stepUs: number): void {
    const offsetUs = this.#offsetUs ?? 0;
    this.#earliestUs = Math.min(this.#earliestUs, arrivalUs - this.#mediaUs - offsetUs);
    if (arrivalUs - this.#windowStartUs > slewWindowUs) {
      this.#baselineUs ??= this.#earliestUs;
      this.#errorUs = this.#earliestUs - this.#baselineUs;
      this.#earliestUs = Number.POSITIVE_INFINITY;
      this.#windowStartUs = arrivalUs;
    }
    const limit = Math.abs(stepUs) * maximumSlew;
    const correction = Math.max(-limit, Math.min(limit, this.#errorUs));
    this.#errorUs -= correction;
    this.#offsetUs = offsetUs + correction;
  }
}

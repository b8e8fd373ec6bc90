/** The camera's own clock: media time in seconds since its start, faster or slower than this machine's by its skew. */
export class CameraClock {
  #skewPpm: number;
  #sinceMs = performance.now();
  #seconds = 0;
  readonly #startUnixSeconds = Date.now() / 1000;

  constructor(skewPpm: number) {
    this.#skewPpm = skewPpm;
  }

  get seconds(): number {
    return this.#seconds + ((performance.now() - this.#sinceMs) / 1000) * this.#rate;
  }

  /** The time of day that the camera believes in. */
  get unixSeconds(): number {
    return this.#startUnixSeconds + this.seconds;
  }

  set skewPpm(ppm: number) {
    this.#seconds = this.seconds;
    this.#sinceMs = performance.now();
    this.#skewPpm = ppm;
  }

  /** Milliseconds of this machine until the camera's clock shows `seconds`; 0 when it does already. */
  millisecondsUntil(seconds: number): number {
    return Math.max(0, ((seconds - this.seconds) * 1000) / this.#rate);
  }

  get #rate(): number {
    return 1 + this.#skewPpm / 1_000_000;
  }
}

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

  /** The time of day that the camera believes in when its clock shows `seconds`. */
  unixSecondsAt(seconds: number): number {
    return this.#startUnixSeconds + seconds;
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

/**
 * Calls `onBeat` with 0, 1, 2, ... as the clock passes index / `perSecond`, until it is disposed. Beats that are late
 * follow at once; only after a stop of more than a second those missed are left out.
 */
export function startBeat(
  clock: CameraClock,
  perSecond: number,
  onBeat: (index: number) => void,
): Disposable {
  let next = 0;
  let timer: NodeJS.Timeout | undefined;
  const run = (): void => {
    const due = Math.floor(clock.seconds * perSecond);
    if (due - next > perSecond) next = due;
    for (; next <= due; next++) onBeat(next);
    timer = setTimeout(run, clock.millisecondsUntil(next / perSecond));
  };
  run();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

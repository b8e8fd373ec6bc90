/** A browser's socket holds about 56 packets, so larger bursts are lost where it is busy. */
const burst = 32;

/** How many packets may be sent now: a bucket that fills up with time. */
export class Pace {
  readonly #nowUs: () => number;
  #tokens = burst;
  #filledUs: number;

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
    this.#filledUs = nowUs();
  }

  /** Takes up to `wanted` packets out of the bucket, which fills at `packetsPerMs`, and says how many. */
  take(wanted: number, packetsPerMs: number): number {
    const now = this.#nowUs();
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledUs) / 1000) * packetsPerMs);
    this.#filledUs = now;
    const taken = Math.min(wanted, Math.floor(this.#tokens));
    this.#tokens -= taken;
    return taken;
  }
}

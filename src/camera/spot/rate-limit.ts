/** A token bucket: `burst` actions at once, then as many as come back in time. */
export class TokenBucket {
  readonly #burstUs: number;
  readonly #costUs: number;
  /** When the bucket is full again. */
  #fullUs = Number.NEGATIVE_INFINITY;

  /** `burst` is at least 1, `perMinute` above 0. */
  constructor(burst: number, perMinute: number) {
    this.#costUs = Math.ceil(60_000_000 / perMinute);
    this.#burstUs = burst * this.#costUs;
  }

  /** Takes one and gives 0; or takes nothing and gives the milliseconds until there is one. */
  take(nowUs: number): number {
    const fullUs = Math.max(this.#fullUs, nowUs) + this.#costUs;
    const waitUs = fullUs - nowUs - this.#burstUs;
    if (waitUs > 0) return Math.ceil(waitUs / 1000);
    this.#fullUs = fullUs;
    return 0;
  }
}

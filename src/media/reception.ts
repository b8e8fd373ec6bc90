/**
 * What a receiver report tells the sender about one stream (RFC 3550, 6.4.1 and appendix A.3, A.8), counted on
 * extended sequence numbers.
 */
export interface ReceptionReport {
  /** Share of packets lost since the last report, in 1/256. */
  readonly fractionLost: number;
  /** Packets lost since the stream began, at most 2^23 - 1. */
  readonly packetsLost: number;
  /** Extended highest sequence number, 32 bits. */
  readonly highestSequence: number;
  /** Interarrival jitter in timestamp units. */
  readonly jitter: number;
}

export class ReceptionStatistics {
  readonly #clockRate: number;
  #first: number | undefined;
  #highest = 0;
  #received = 0;
  #expectedBefore = 0;
  #receivedBefore = 0;
  #transit: number | undefined;
  #jitter = 0;

  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  add(index: number, timestamp: number, arrivalUs: number): void {
    this.#first ??= index;
    this.#received += 1;
    if (index > this.#highest) this.#highest = index;
    const transit = Math.round((arrivalUs * this.#clockRate) / 1_000_000 - timestamp) | 0;
    if (this.#transit !== undefined) {
      const difference = Math.abs((transit - this.#transit) | 0);
      this.#jitter += (difference - this.#jitter) / 16;
    }
    this.#transit = transit;
  }

  /** The report since the last one; undefined before the first packet. */
  report(): ReceptionReport | undefined {
    if (this.#first === undefined) return undefined;
    const expected = this.#highest - this.#first + 1;
    const expectedNow = expected - this.#expectedBefore;
    const lostNow = expectedNow - (this.#received - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = this.#received;
    return {
      fractionLost:
        expectedNow <= 0 || lostNow <= 0 ? 0 : Math.min(255, Math.floor((lostNow * 256) / expectedNow)),
      packetsLost: Math.max(0, Math.min(0x7f_ffff, expected - this.#received)),
      highestSequence: this.#highest % 0x1_0000_0000,
      jitter: Math.round(this.#jitter) % 0x1_0000_0000,
    };
  }
}

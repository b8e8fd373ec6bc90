/** What one destination's line looked like at one moment. */
export interface UplinkMoment {
  /** Microseconds, monotonic. */
  readonly atUs: number;
  /** Bytes on our side: in the queue, the socket and the kernel, those on the way included. */
  readonly waitingBytes: number;
  /** Bytes that have arrived since the connection began. */
  readonly deliveredBytes: number;
  /** What the way takes there and back when nothing else is on it, milliseconds. */
  readonly roundTripMs: number;
}

/** What is seen of one destination's line. */
export interface UplinkView {
  /** Milliseconds that a picture handed in now will wait, what the way itself takes left out. */
  readonly delayMs: number;
  /** What the line carried while it was busy, bits per second; undefined while it was never busy. */
  readonly capacity: number | undefined;
  /** Nothing arrives although something waits: it says nothing about a rate. */
  readonly hung: boolean;
}

/** What waits beyond this, besides what is on its way, keeps the line busy. */
const busyBytes = 16_384;
/** The busy rate is taken over this long; shorter, a burst of acknowledgements would pass for a fast line. */
const rateWindowUs = 1_500_000;
const leastBusyUs = 600_000;
const longestPauseUs = 600_000;
const delayWindowUs = 1_000_000;
const hungUs = 1_000_000;
/** A connection begins with a whole GOP at once. */
const warmUpUs = 500_000;
/** After a long pause TCP begins slowly, whatever the line carries. */
const recoveryUs = 1_500_000;
/** While what a long pause has left becomes less, the line is the faster one: its length says nothing against the rate. */
const catchUpStepUs = 600_000;
const longestCatchUpUs = 6_000_000;
/** Bits per second; keeps the arithmetic sane while next to nothing is sent. */
const leastRate = 100_000;

/**
 * Measures what one destination's line carries and how long what waits for it will wait. Pure: time comes with each
 * moment.
 */
export class UplinkMeter {
  #moments: UplinkMoment[] = [];
  #delays: { readonly atUs: number; readonly ms: number }[] = [];
  #movedUs = 0;
  /** When there will be something to learn; undefined until the first bytes of this connection have arrived. */
  #warmUntilUs: number | undefined;
  /** What a long pause has left: the least that has waited since, when that was, and when to stop looking at it. */
  #leftOver: { readonly bytes: number; readonly atUs: number; readonly untilUs: number } | undefined;
  #view: UplinkView = { delayMs: 0, capacity: undefined, hung: false };

  get view(): UplinkView {
    return this.#view;
  }

  /** A connection has begun: byte counts start anew. */
  reconnect(): void {
    this.#moments = [];
    this.#delays = [];
    this.#warmUntilUs = undefined;
    this.#leftOver = undefined;
  }

  /** Measures delay, capacity and whether anything moves; true where something has arrived, or nothing waits. */
  look(moment: UplinkMoment, inputRate: number): boolean {
    const { atUs, waitingBytes, deliveredBytes, roundTripMs } = moment;
    const before = this.#moments.at(-1);
    this.#moments.push(moment);
    this.#moments = this.#moments.filter((one) => atUs - one.atUs <= rateWindowUs + longestPauseUs);
    const moved = before === undefined || deliveredBytes > before.deliveredBytes || waitingBytes === 0;
    if (moved && this.#view.hung) this.#warmUntilUs = atUs + recoveryUs;
    if (moved && before !== undefined && atUs - this.#movedUs >= longestPauseUs) {
      this.#leftOver = { bytes: waitingBytes, atUs, untilUs: atUs + longestCatchUpUs };
    }
    if (moved) this.#movedUs = atUs;
    const hung = atUs - this.#movedUs >= hungUs;
    if (moved && before !== undefined) this.#warmUntilUs ??= atUs + warmUpUs;
    const catchesUp = this.#catchesUp(moment);
    if (this.#warmUntilUs === undefined || atUs < this.#warmUntilUs || catchesUp) {
      this.#moments = [moment];
      this.#view = { delayMs: 0, capacity: undefined, hung };
      return false;
    }
    const capacity = this.#busyRate(roundTripMs);
    const waitMs = (waitingBytes * 8000) / (capacity ?? Math.max(inputRate, leastRate));
    const delayMs = Math.max(0, waitMs - roundTripMs);
    this.#delays = [...this.#delays, { atUs, ms: delayMs }].filter((one) => atUs - one.atUs <= delayWindowUs);
    this.#view = { delayMs, capacity, hung };
    return moved;
  }

  /** The least delay of the last second; 0 until there was a second to look at. */
  leastDelay(nowUs: number): number {
    const [first] = this.#delays;
    if (first === undefined || nowUs - first.atUs < delayWindowUs * 0.7) return 0;
    return Math.min(...this.#delays.map(({ ms }) => ms));
  }

  /** Whether what a long pause has left becomes less. While TCP begins anew, more of it says nothing yet. */
  #catchesUp({ atUs, waitingBytes }: UplinkMoment): boolean {
    const left = this.#leftOver;
    if (left === undefined) return false;
    const isWarmingUp = this.#warmUntilUs === undefined || atUs < this.#warmUntilUs;
    if (isWarmingUp || waitingBytes < left.bytes) this.#leftOver = { ...left, bytes: waitingBytes, atUs };
    else if (waitingBytes > left.bytes + busyBytes || atUs - left.atUs >= catchUpStepUs)
      this.#leftOver = undefined;
    if (waitingBytes <= busyBytes || atUs >= left.untilUs) this.#leftOver = undefined;
    return this.#leftOver !== undefined;
  }

  /**
   * What arrived while, all the time, more was waiting than is on its way: a large picture alone does not keep the
   * line busy for so long. A lost packet holds acknowledgements back and then lets them come at once: such a pause
   * belongs to the step that ends it. A long pause was no line, and says nothing.
   */
  #busyRate(roundTripMs: number): number | undefined {
    const newestUs = this.#moments.at(-1)?.atUs ?? 0;
    let bytes = 0;
    let us = 0;
    let now: UplinkMoment | undefined;
    let pauseEndUs = 0;
    for (const [i, before] of this.#moments.entries().toArray().toReversed()) {
      if (before.deliveredBytes === this.#moments[i - 1]?.deliveredBytes) {
        pauseEndUs ||= before.atUs;
        continue;
      }
      if (now !== undefined && newestUs - now.atUs > rateWindowUs) break;
      if (now !== undefined && pauseEndUs - before.atUs < longestPauseUs) {
        const stepUs = now.atUs - before.atUs;
        const delivered = now.deliveredBytes - before.deliveredBytes;
        const onTheWay = (delivered * roundTripMs * 1000) / stepUs;
        if (Math.min(before.waitingBytes, now.waitingBytes) < onTheWay + busyBytes) break;
        bytes += delivered;
        us += stepUs;
      }
      now = before;
      pauseEndUs = 0;
    }
    return us < Math.max(leastBusyUs, roundTripMs * 2500) ? undefined : (bytes * 8_000_000) / us;
  }
}

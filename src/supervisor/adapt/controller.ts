import { UplinkMeter } from "./uplink-meter.ts";
import type { UplinkMoment, UplinkView } from "./uplink-meter.ts";

/** Between which bit rates the controller may choose, bits per second. */
export interface RateRange {
  readonly floor: number;
  readonly ceiling: number;
}

type Mode =
  /** Nothing is known against the ceiling. */
  | "open"
  /** Too much waits: below what the line carries until it is gone. */
  | "draining"
  /** Just below what the line carries. */
  | "steady"
  /** A little above what the line carried, to see whether it carries more now. */
  | "probing"
  /** It does: on in large steps. */
  | "climbing";

/** A queue that never falls below this within a second stands; one above `suddenMs` needs no second look. */
const standingMs = 300;
const suddenMs = 700;
const drainedMs = 120;
const probeFailedMs = 100;

/** A queue of this many milliseconds would be drained with nothing new coming in; a shorter one with more. */
const drainAllMs = 4000;
const leastDrainShare = 0.5;
const steadyShare = 0.93;
const probeShare = 1.08;
/** A queue that stands while the rate is steady says that it is a little too high; a way that has become longer says the same. */
const creepingMs = 160;
/** What a failed probe leaves takes this long to go at the steady rate. */
const creepUs = 4_500_000;
const creepShare = 0.96;
const mostCreeps = 3;
const undoShare = 0.94;
/** Each step that the line bears makes the next one bolder. */
const climbFactors = [1.1, 1.3, 1.5] as const;
/** A new rate is worth telling the camera from this relative change on. */
const worthTelling = 0.1;

/** One look at a busy line is off by some; the mean of these many is not. */
const smoothing = 5;
const heldBackUs = 2_500_000;

/** The camera gets this long to follow before it is told another rate, unless the line carries much less still. */
const drainUs = 2_500_000;
const urgentShare = 0.7;
const steadyUs = 8_000_000;
const probeUs = 5_000_000;
const climbUs = 2_500_000;
/** The camera needs a while to follow; what it does not use cannot be judged. */
const followUs = 6_000_000;
const followShare = 0.75;

/**
 * Follows what one destination's uplink carries. Pure: time comes with each moment. Down at once, from what the line
 * was seen to carry; up by a probe of 8 % every 8 s, and in ever larger steps where the probe shows that there is more.
 *
 * Invariants: `rate` is within the range; while the line is hung or idle, nothing is learnt and nothing changes.
 */
export class UplinkController {
  #mode: Mode = "open";
  #rate = Infinity;
  #capacity: number | undefined;
  #sinceUs = 0;
  readonly #meter = new UplinkMeter();
  #probeRestMs = 0;
  #climbs = 0;
  #creeps = 0;
  /** When draining began, and what the line had carried until then; 0 where that was not known. */
  #before: { readonly moment: UplinkMoment; readonly capacity: number } | undefined;

  get view(): UplinkView {
    return this.#meter.view;
  }

  get mode(): Mode {
    return this.#mode;
  }

  /** A connection has begun: byte counts start anew, what was learnt about the line stays. */
  reconnect(): void {
    this.#meter.reconnect();
    this.#before = undefined;
  }

  /**
   * Takes one moment, a few times a second, and gives the most bits per second that this destination bears.
   * `inputRate` is what the camera sends, bits per second.
   */
  next(moment: UplinkMoment, inputRate: number, { floor, ceiling }: RateRange): number {
    const moved = this.#meter.look(moment, inputRate);
    if (this.view.hung) this.#sinceUs = moment.atUs; // what was waited for is waited for anew when it goes on
    else if (moved) this.#judge(moment, inputRate, floor, ceiling);
    return this.rate({ floor, ceiling });
  }

  /** The most bits per second that this destination bears, as far as is known. */
  rate({ floor, ceiling }: RateRange): number {
    return Math.round(Math.max(floor, Math.min(ceiling, this.#rate)));
  }

  #judge(moment: UplinkMoment, inputRate: number, floor: number, ceiling: number): void {
    const nowUs = moment.atUs;
    const { delayMs, capacity: seen } = this.view;
    const standing = this.#meter.leastDelay(nowUs);
    const ageUs = nowUs - this.#sinceUs;
    const current = Math.min(this.#rate, ceiling);
    const followed = inputRate >= current * followShare || ageUs > followUs;
    switch (this.#mode) {
      case "draining": {
        const capacity = this.#capacity ?? current;
        const isFarOff = seen !== undefined && seen < capacity * urgentShare; // what was before the drop was in it
        this.#capacity = isFarOff ? seen : capacity + ((seen ?? capacity) - capacity) / smoothing;
        if (delayMs < drainedMs) {
          this.#capacity = Math.max(this.#capacity, this.#capacityBefore(moment));
          return this.#enter("steady", this.#capacity * steadyShare, nowUs);
        }
        const wanted = this.#capacity * drainShare(delayMs);
        const isNews = Math.abs(wanted - this.#rate) > this.#rate * worthTelling;
        if ((isNews && ageUs > drainUs) || wanted < this.#rate * urgentShare)
          this.#enter("draining", wanted, nowUs);
        return;
      }
      case "steady":
        if (this.#isCongested(standing, delayMs)) return this.#drain(seen, inputRate, moment);
        if (standing > creepingMs && ageUs > creepUs && this.#creeps < mostCreeps)
          return this.#creep(current, nowUs);
        if (ageUs < steadyUs) return;
        this.#probeRestMs = standing;
        return this.#enter("probing", (this.#capacity ?? current) * probeShare, nowUs);
      case "probing":
        if (standing - this.#probeRestMs > probeFailedMs || delayMs > suddenMs) {
          if (delayMs > drainAllMs / 2) return this.#drain(seen, inputRate, moment);
          if (delayMs > standingMs + drainedMs) return this.#undoProbe(current, ageUs, nowUs);
          if (seen !== undefined) this.#capacity = seen;
          return this.#enter("steady", (this.#capacity ?? current) * steadyShare, nowUs);
        }
        if (ageUs < probeUs || !followed) return;
        this.#climbs = 0;
        return this.#climb(current, nowUs);
      case "climbing":
        if (this.#isCongested(standing, delayMs)) return this.#drain(seen, inputRate, moment);
        if (ageUs < climbUs || !followed) return;
        if (standing - this.#probeRestMs > probeFailedMs) {
          this.#capacity = seen ?? this.#capacity ?? current;
          return this.#enter("steady", this.#capacity * steadyShare, nowUs);
        }
        if (current >= ceiling) return this.#enter("open", Infinity, nowUs);
        return this.#climb(Math.max(floor, current), nowUs);
      case "open":
        if (this.#isCongested(standing, delayMs)) this.#drain(seen, inputRate, moment);
    }
  }

  #isCongested(standing: number, delayMs: number): boolean {
    return standing > standingMs || delayMs > suddenMs;
  }

  #drain(seen: number | undefined, inputRate: number, moment: UplinkMoment): void {
    this.#creeps = 0;
    this.#before = { moment, capacity: this.#mode === "open" ? 0 : (this.#capacity ?? 0) };
    this.#capacity = seen ?? Math.min(this.#rate, inputRate) * steadyShare;
    this.#enter("draining", this.#capacity * drainShare(this.view.delayMs), moment.atUs);
  }

  /** What should be just below what the line carries is not: a little less, but not for ever. */
  #creep(current: number, nowUs: number): void {
    this.#creeps += 1;
    this.#capacity = (this.#capacity ?? current) * creepShare;
    this.#enter("steady", this.#capacity * steadyShare, nowUs);
  }

  /** The probe has made this queue: no reason to think that the line has become slower, only that it was thought too fast. */
  #undoProbe(current: number, ageUs: number, nowUs: number): void {
    this.#before = undefined;
    this.#capacity = (this.#capacity ?? current) * (ageUs < climbUs ? creepShare : 1);
    this.#enter("draining", this.#capacity * undoShare, nowUs);
  }

  /**
   * What the line carried before it seemed to be slow, where nothing was slow but acknowledgements that lost packets
   * had held back: then far more has arrived since than a slow line could carry.
   */
  #capacityBefore({ atUs, deliveredBytes }: UplinkMoment): number {
    if (this.#before === undefined) return 0;
    const { moment, capacity } = this.#before;
    const us = atUs - moment.atUs;
    return us > heldBackUs
      ? 0
      : Math.min(capacity, ((deliveredBytes - moment.deliveredBytes) * 8_000_000) / us);
  }

  /** The line has borne `rate`. */
  #climb(rate: number, nowUs: number): void {
    this.#creeps = 0;
    this.#capacity = rate;
    const factor = climbFactors[this.#climbs] ?? climbFactors[climbFactors.length - 1] ?? 1;
    this.#climbs += 1;
    this.#enter("climbing", rate * factor, nowUs);
  }

  #enter(mode: Mode, rate: number, nowUs: number): void {
    this.#mode = mode;
    this.#rate = rate;
    this.#sinceUs = nowUs;
  }
}

/** The share of the capacity to send at while so much waits. */
function drainShare(delayMs: number): number {
  return Math.max(leastDrainShare, 1 - Math.max(delayMs, 400) / drainAllMs);
}

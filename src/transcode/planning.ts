import type { ProvenChain } from "../domain/board.ts";
import { Fault } from "../domain/fault.ts";
import type { TranscodeTarget } from "../domain/verdict.ts";
import { nowUs } from "../lib/clock.ts";
import { easePlan } from "./ease-plan.ts";
import { planSoftware, planTranscode } from "./planner.ts";
import type { TranscodeInput, TranscodePlan } from "./planner.ts";

export interface PlanningOptions {
  readonly target: TranscodeTarget;
  /** Steps by which this transcoder is to do less than the machine could, 0 to 3; 0 where absent. */
  readonly strain?: number;
  /** What this machine encodes with; asked for the first plan only, so that the picture keeps its size. */
  readonly chain?: () => ProvenChain | undefined;
  readonly warn: (text: string) => void;
}

/** A chain in hardware that was proven, and dies so often within ten minutes all the same, is left for software. */
const mostDeaths = 2;
const boutUs = 600_000_000;

/** The plans of one transcoder, from one run to the next: says what is stepped down, and gives up hardware that dies. */
export class Planning {
  readonly #options: PlanningOptions;
  /** What is asked for. */
  #asked: TranscodeTarget;
  #target: TranscodeTarget;
  #proven: ProvenChain | undefined;
  #toldNote: string | undefined;
  #encoder: string | undefined;
  #deaths = 0;
  #diedUs = Number.NEGATIVE_INFINITY;

  constructor(options: PlanningOptions) {
    this.#options = options;
    this.#asked = options.target;
    this.#target = options.target;
  }

  /** What the last plan makes: the target asked for, or what this machine holds of it. */
  get target(): TranscodeTarget {
    return this.#target;
  }

  next(input: TranscodeInput): TranscodePlan {
    const { strain = 0, chain, warn } = this.#options;
    if (this.#encoder === undefined) this.#proven = chain?.();
    const plan =
      this.#deaths < mostDeaths
        ? easePlan(planTranscode(this.#asked, input, this.#proven), input, strain)
        : planSoftware(this.#target);
    if (plan.note !== undefined && plan.note !== this.#toldNote) warn(plan.note);
    this.#encoder = plan.runner === "ffmpeg" ? plan.encode.codec : plan.name;
    this.#target = plan.target;
    this.#toldNote = plan.note ?? this.#toldNote;
    return plan;
  }

  /** Another bit rate is asked for. Gives what the next plan makes of it, bits per second. */
  setBitrate(asked: number): number {
    const bitsPerSecond = Math.min(asked, this.#proven?.holds.bitsPerSecond ?? asked);
    this.#asked = { ...this.#asked, bitsPerSecond: asked };
    this.#target = { ...this.#target, bitsPerSecond };
    return bitsPerSecond;
  }

  /**
   * The encoder of the last plan has died, has stalled, or cannot be used at all. Gives the fault to tell: one that is
   * worth another try where the next plan is another one.
   */
  noteDeath(fault: Fault, atUs = nowUs()): Fault {
    if (this.#encoder === undefined || this.#encoder === "libx264") return fault;
    const before = atUs - this.#diedUs < boutUs ? this.#deaths : 0;
    this.#deaths = fault.retryable ? before + 1 : mostDeaths;
    this.#diedUs = atUs;
    if (this.#deaths !== mostDeaths) return fault;
    const what = fault.retryable ? `has failed ${mostDeaths} times` : "cannot be used";
    this.#options.warn(`The encoder ${this.#encoder} ${what}: libx264 is used from now on.`);
    return fault.retryable ? fault : new Fault("child-failed", fault.message, { cause: fault });
  }
}

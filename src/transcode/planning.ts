import type { ProvenChain } from "../domain/board.ts";
import type { TranscodeTarget } from "../domain/verdict.ts";
import { planSoftware, planTranscode } from "./planner.ts";
import type { TranscodeInput, TranscodePlan } from "./planner.ts";

export interface PlanningOptions {
  readonly target: TranscodeTarget;
  /** What this machine encodes with; asked for the first plan only, so that the picture keeps its size. */
  readonly chain?: () => ProvenChain | undefined;
  readonly warn: (text: string) => void;
}

/** A chain in hardware that was proven, and dies so often all the same, is left for software. */
const mostDeaths = 2;

/** The plans of one transcoder, from one run to the next: says what is stepped down, and gives up hardware that dies. */
export class Planning {
  readonly #options: PlanningOptions;
  #target: TranscodeTarget;
  #proven: ProvenChain | undefined;
  #toldNote: string | undefined;
  #encoder: string | undefined;
  #deaths = 0;

  constructor(options: PlanningOptions) {
    this.#options = options;
    this.#target = options.target;
  }

  /** What the last plan makes: the target asked for, or what this machine holds of it. */
  get target(): TranscodeTarget {
    return this.#target;
  }

  next(input: TranscodeInput): TranscodePlan {
    const { target, chain, warn } = this.#options;
    if (this.#encoder === undefined) this.#proven = chain?.();
    const plan =
      this.#deaths < mostDeaths ? planTranscode(target, input, this.#proven) : planSoftware(this.#target);
    if (plan.note !== undefined && plan.note !== this.#toldNote) warn(plan.note);
    this.#encoder = plan.runner === "ffmpeg" ? plan.encode.codec : plan.name;
    this.#target = plan.target;
    this.#toldNote = plan.note ?? this.#toldNote;
    return plan;
  }

  /** The encoder of the last plan has died or stalled. */
  noteDeath(): void {
    if (this.#encoder === undefined || this.#encoder === "libx264") return;
    this.#deaths += 1;
    if (this.#deaths === mostDeaths)
      this.#options.warn(
        `The encoder ${this.#encoder} has failed ${mostDeaths} times: libx264 is used from now on.`,
      );
  }
}

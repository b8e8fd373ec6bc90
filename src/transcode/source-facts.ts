import type { VideoUnit } from "../domain/media.ts";
import { nalType, typeOf } from "../media/h264.ts";
import type { ParameterSets } from "../media/h264.ts";
import { parseSps } from "../media/sps.ts";
import type { PictureSize } from "./output-size.ts";

const shortestSps = 4;
/** What an AVC configuration record can hold of each. */
const longest = 0xffff;
/** Pictures over which their rate is measured, and the fewest that tell anything. */
const rateWindow = 60;
const rateMinimum = 10;
/** A longer step is a pause of the source, not its rate. */
const pauseUs = 500_000;
const believableFps = { least: 1, most: 240 };

/** What can be learned of a source from the pictures that go by. Total. */
export class SourceFacts {
  #sps: Buffer | undefined;
  #pps: Buffer | undefined;
  #sets: ParameterSets | undefined;
  #size: PictureSize | undefined;
  #toldRate: number | undefined;
  #newestIdrUs = Number.NEGATIVE_INFINITY;
  #times: number[] = [];

  constructor(known?: ParameterSets) {
    if (known === undefined) return;
    this.#takeSps(known.sps);
    this.#pps = Buffer.from(known.pps);
  }

  look({ nalus, keyframe, dtsUs }: Pick<VideoUnit, "nalus" | "keyframe" | "dtsUs">): void {
    const newest = (type: number): Uint8Array | undefined =>
      nalus.findLast((nalu) => typeOf(nalu) === type && nalu.length <= longest);
    const [sps, pps] = [newest(nalType.sps), newest(nalType.pps)];
    if (sps !== undefined) this.#takeSps(sps);
    if (pps !== undefined && this.#pps?.equals(pps) !== true) {
      this.#pps = Buffer.from(pps);
      this.#sets = undefined;
    }
    if (keyframe) this.#newestIdrUs = dtsUs;
    if (dtsUs <= (this.#times.at(-1) ?? Number.NEGATIVE_INFINITY)) return;
    this.#times.push(dtsUs);
    if (this.#times.length > rateWindow) this.#times.shift();
  }

  /** The newest parameter sets, the same object until one of them changes; undefined until both are known. */
  get sets(): ParameterSets | undefined {
    if (this.#sps !== undefined && this.#pps !== undefined) this.#sets ??= { sps: this.#sps, pps: this.#pps };
    return this.#sets;
  }

  /** The picture's size according to the newest readable SPS. */
  get size(): PictureSize | undefined {
    return this.#size;
  }

  /** Pictures per second over the last ones; before there are enough, what the SPS says, if it does. */
  get fps(): number | undefined {
    return this.#measure(rateMinimum) ?? this.#toldRate;
  }

  /** Pictures per second over a whole window, two seconds of a usual camera; undefined before. */
  get steadyFps(): number | undefined {
    return this.#measure(rateWindow);
  }

  /** Decoding time of the newest IDR; minus infinity before the first. */
  get newestIdrUs(): number {
    return this.#newestIdrUs;
  }

  #measure(fewest: number): number | undefined {
    const times = this.#times;
    const steps = times.slice(1).map((us, index) => us - (times[index] ?? us));
    const running = steps.filter((us) => us < pauseUs);
    if (times.length < fewest || running.length < steps.length / 2) return undefined;
    return believable((running.length * 1_000_000) / running.reduce((sum, us) => sum + us, 0));
  }

  #takeSps(nalu: Uint8Array): void {
    if (nalu.length < shortestSps || this.#sps?.equals(nalu) === true) return;
    try {
      const { width, height, frameRate } = parseSps(nalu);
      this.#size = { width, height };
      this.#toldRate = believable(frameRate);
    } catch {
      return; // damaged: the last one holds
    }
    this.#sps = Buffer.from(nalu);
    this.#sets = undefined;
  }
}

function believable(fps: number | undefined): number | undefined {
  return fps !== undefined && fps >= believableFps.least && fps <= believableFps.most ? fps : undefined;
}

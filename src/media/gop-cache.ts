import type { Unit } from "../domain/media.ts";

/** Above this a GOP is not kept: a reader that joins waits for the next keyframe instead. */
const maximumBytes = 16 * 1024 * 1024;

/** Everything since the last keyframe, for readers that join in the middle. */
export class GopCache {
  #units: Unit[] = [];
  #bytes = 0;

  push(unit: Unit): void {
    if (unit.kind === "video" && unit.keyframe) this.clear();
    else if (this.#units.length === 0) return;
    this.#units.push(unit);
    this.#bytes += unit.kind === "video" ? unit.avcc.length : unit.payload.length;
    if (this.#bytes > maximumBytes) this.clear();
  }

  clear(): void {
    this.#units = [];
    this.#bytes = 0;
  }

  get units(): readonly Unit[] {
    return this.#units;
  }

  /** Media time from the keyframe to the newest unit. */
  get milliseconds(): number {
    const [first, last] = [this.#units[0], this.#units.at(-1)];
    return first === undefined || last === undefined ? 0 : (last.ptsUs - first.ptsUs) / 1000;
  }
}

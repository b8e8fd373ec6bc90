import type { AudioUnit, Unit, VideoUnit } from "../domain/media.ts";

/** Above this a GOP is not kept: a reader that joins waits for the next keyframe instead. */
const maximumBytes = 16 * 1024 * 1024;
const initialBytes = 1024 * 1024;

/** A unit without its bytes, and where they lie in the cache's memory. */
type Kept = { readonly start: number; readonly end: number } & (
  | (Omit<VideoUnit, "nalus" | "avcc" | "packets"> & { readonly naluLengths: readonly number[] })
  | Omit<AudioUnit, "payload">
);

/**
 * Everything since the last keyframe, for readers that join in the middle. The bytes are copied into memory that is
 * used again for each GOP: units that were kept themselves would outlive the young generation, and then memory grows
 * and the whole heap is searched every few seconds only to find them.
 */
export class GopCache {
  #memory = Buffer.allocUnsafeSlow(initialBytes);
  #length = 0;
  #kept: Kept[] = [];

  push(unit: Unit): void {
    if (unit.kind === "video" && unit.keyframe && unit.damaged === undefined) this.clear();
    else if (this.#kept.length === 0) return;
    const bytes = unit.kind === "video" ? unit.avcc : unit.payload;
    const start = this.#length;
    const end = start + bytes.length;
    if (end > maximumBytes) {
      this.clear();
      return;
    }
    if (end > this.#memory.length) this.#grow(end);
    this.#memory.set(bytes, start);
    this.#length = end;
    this.#kept.push(keep(unit, start, end));
  }

  clear(): void {
    this.#kept = [];
    this.#length = 0;
  }

  get isEmpty(): boolean {
    return this.#kept.length === 0;
  }

  /** Copies of the units, in memory of their own and without their RTP packets. */
  get units(): readonly Unit[] {
    const bytes = Buffer.from(this.#memory.subarray(0, this.#length));
    return this.#kept.map((kept) => restore(kept, bytes.subarray(kept.start, kept.end)));
  }

  /** A copy of the keyframe alone, with its parameter sets. */
  get keyframe(): VideoUnit | undefined {
    const [first] = this.#kept;
    if (first?.kind !== "video") return undefined;
    const unit = restore(first, Buffer.from(this.#memory.subarray(first.start, first.end)));
    return unit.kind === "video" ? unit : undefined;
  }

  /** Media time from the keyframe to the newest unit. */
  get milliseconds(): number {
    const [first, last] = [this.#kept[0], this.#kept.at(-1)];
    return first === undefined || last === undefined ? 0 : (last.ptsUs - first.ptsUs) / 1000;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(maximumBytes, Math.max(needed, this.#memory.length * 2)));
    this.#memory.copy(larger, 0, 0, this.#length);
    this.#memory = larger;
  }
}

function keep(unit: Unit, start: number, end: number): Kept {
  if (unit.kind === "audio") {
    const { payload: _, ...rest } = unit;
    return { ...rest, start, end };
  }
  const { kind, ptsUs, dtsUs, rtpTimestamp, receivedUs, keyframe, nalus } = unit;
  const naluLengths = nalus.map((nalu) => nalu.length);
  return { kind, ptsUs, dtsUs, rtpTimestamp, receivedUs, keyframe, naluLengths, start, end };
}

function restore(kept: Kept, bytes: Buffer): Unit {
  const { start: _start, end: _end, ...unit } = kept;
  if (unit.kind === "audio") return { ...unit, payload: bytes };
  const { naluLengths, ...rest } = unit;
  const nalus: Uint8Array[] = [];
  let offset = 0;
  for (const length of naluLengths) {
    nalus.push(bytes.subarray(offset + 4, offset + 4 + length));
    offset += 4 + length;
  }
  return { ...rest, nalus, avcc: bytes, packets: [] };
}

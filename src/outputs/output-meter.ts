import type { OutputCounters } from "../domain/status.ts";

const keptLatencies = 512;

/** Counts what one output has sent since the session began, over all its connections. */
export class OutputMeter {
  readonly #latencies = new Int32Array(keptLatencies);
  #measured = 0;
  #units = 0;
  #bytesBefore = 0;
  #acknowledgedBefore: number | undefined;

  /** `latencyUs`: from the arrival of the picture's last byte to the end of the write, where that was measured. */
  countPicture(latencyUs: number | undefined): void {
    this.#units += 1;
    if (latencyUs === undefined) return;
    this.#latencies[this.#measured % keptLatencies] = latencyUs;
    this.#measured += 1;
  }

  /** Adds what a connection that is over has sent. */
  closeConnection(sentBytes: number, acknowledgedBytes: number | undefined): void {
    this.#bytesBefore += sentBytes;
    this.#acknowledgedBefore = sum(this.#acknowledgedBefore, acknowledgedBytes);
  }

  read(sentBytes: number, acknowledgedBytes: number | undefined, unsentBytes: number): OutputCounters {
    const sorted = this.#latencies.subarray(0, Math.min(this.#measured, keptLatencies)).toSorted();
    const quantile = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
    return {
      units: this.#units,
      bytes: this.#bytesBefore + sentBytes,
      unsentBytes,
      acknowledgedBytes: sum(this.#acknowledgedBefore, acknowledgedBytes),
      latencyUs: { p50: quantile(0.5), p99: quantile(0.99) },
    };
  }
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0);
}

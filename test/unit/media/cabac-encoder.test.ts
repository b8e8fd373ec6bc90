import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BitReader, BitWriter } from "../../../src/media/bits.ts";
import { CabacEncoder, initialContext, rangeLps, stateAfterLps } from "../../../src/media/cabac-encoder.ts";
import type { CabacContext } from "../../../src/media/cabac-encoder.ts";

/** The arithmetic decoder, ITU-T H.264, 9.3.3.2. */
class Decoder {
  readonly bits: BitReader;
  #range = 510;
  #offset: number;

  constructor(bytes: Uint8Array) {
    this.bits = new BitReader(bytes);
    this.#offset = this.bits.unsigned(9);
  }

  decode(context: CabacContext): boolean {
    const lps = rangeLps[context.state * 4 + ((this.#range >> 6) & 3)] ?? 0;
    this.#range -= lps;
    const isLps = this.#offset >= this.#range;
    const bin = isLps ? !context.mostProbable : context.mostProbable;
    if (isLps) {
      this.#offset -= this.#range;
      this.#range = lps;
      if (context.state === 0) context.mostProbable = !context.mostProbable;
      context.state = stateAfterLps[context.state] ?? 0;
    } else context.state = Math.min(context.state + 1, 62);
    this.#renormalise();
    return bin;
  }

  terminate(): boolean {
    this.#range -= 2;
    if (this.#offset >= this.#range) return true;
    this.#renormalise();
    return false;
  }

  /** The bit that was read last: the stop bit, when the end has been decoded. */
  get lastBit(): number {
    return this.#offset & 1;
  }

  #renormalise(): void {
    for (; this.#range < 256; this.#range *= 2) this.#offset = this.#offset * 2 + this.bits.unsigned(1);
  }
}

/** Every value that a context can begin with. */
const beginnings = fc.record({ m: fc.integer({ min: -60, max: 60 }), n: fc.integer({ min: -60, max: 127 }) });

describe("CabacEncoder", () => {
  it("encodes what a decoder decodes, and ends with the stop bit", () => {
    const bins = fc.oneof(
      fc.array(fc.boolean(), { maxLength: 300 }),
      fc.array(fc.oneof({ weight: 40, arbitrary: fc.constant(true) }, fc.boolean()), { maxLength: 600 }),
    );
    fc.assert(
      fc.property(beginnings, fc.integer({ min: -12, max: 51 }), bins, ({ m, n }, qp, bins) => {
        const writer = new BitWriter();
        const encoder = new CabacEncoder(writer);
        const context = initialContext(m, n, qp);
        for (const [i, bin] of bins.entries()) {
          encoder.encode(context, bin);
          if (i % 3 === 0) encoder.terminate(false);
        }
        encoder.terminate(true);
        const decoder = new Decoder(writer.bytes());
        const decoded = initialContext(m, n, qp);
        for (const [i, bin] of bins.entries()) {
          expect(decoder.decode(decoded)).toBe(bin);
          if (i % 3 === 0) expect(decoder.terminate()).toBe(false);
        }
        expect(decoder.terminate()).toBe(true);
        expect(decoder.lastBit).toBe(1);
        expect(decoder.bits.bitsLeft).toBeLessThan(8);
        expect(decoder.bits.unsigned(decoder.bits.bitsLeft)).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it("has tables that follow the model they were made from", () => {
    // The standard's states are probabilities 0.5 x a^state, its columns ranges of 64 from 256 on.
    const decay = (0.018_75 / 0.5) ** (1 / 63);
    for (const [i, range] of rangeLps.subarray(0, 63 * 4).entries()) {
      const [state, column] = [i >> 2, i & 3];
      const model = 0.5 * decay ** state * (256 + 64 * column + 32);
      expect(Math.abs(range - model), `state ${state}, column ${column}`).toBeLessThan(
        Math.max(2, model / 8),
      );
    }
    for (const [state, next] of stateAfterLps.subarray(0, 63).entries()) {
      const probability = 0.5 * decay ** state;
      const model = Math.log((probability * decay + 1 - decay) / 0.5) / Math.log(decay);
      expect(Math.abs(next - Math.max(0, model)), `after state ${state}`).toBeLessThan(1);
    }
  });
});

describe("initialContext", () => {
  it("gives the state and the symbol of the standard's formula", () => {
    // mb_skip_flag of P slices, tables 9-13: m 23, n 33
    expect(initialContext(23, 33, 26)).toEqual({ state: 6, mostProbable: true });
    expect(initialContext(23, 33, 0)).toEqual({ state: 30, mostProbable: false });
    expect(initialContext(23, 33, -12)).toEqual({ state: 30, mostProbable: false });
    expect(initialContext(60, 127, 51)).toEqual({ state: 62, mostProbable: true });
  });
});

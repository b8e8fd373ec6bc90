import type { BitWriter } from "./bits.ts";

/** The state of one context variable (ITU-T H.264, 9.3.1.1): changed by every bin that is encoded with it. */
export interface CabacContext {
  /** pStateIdx, 0 (the two symbols are as probable) to 62 (the other one is very improbable). */
  state: number;
  /** valMPS, the more probable symbol. */
  mostProbable: boolean;
}

/**
 * A context as a slice begins with it (9.3.1.1). `m` and `n` are those of its tables 9-12 to 9-33; `sliceQp` is
 * SliceQPY.
 */
export function initialContext(m: number, n: number, sliceQp: number): CabacContext {
  const qp = Math.min(Math.max(sliceQp, 0), 51);
  const state = Math.min(Math.max(((m * qp) >> 4) + n, 1), 126);
  return state <= 63 ? { state: 63 - state, mostProbable: false } : { state: state - 64, mostProbable: true };
}

/** The arithmetic encoder of slice data (9.3.4), onto a writer that stands at the beginning of a byte. */
export class CabacEncoder {
  readonly #writer: BitWriter;
  #low = 0;
  #range = 510;
  #outstanding = 0;
  #isFirstBit = true;

  constructor(writer: BitWriter) {
    this.#writer = writer;
  }

  /** EncodeDecision, 9.3.4.2. */
  encode(context: CabacContext, bin: boolean): void {
    const lessProbable = rangeLps[context.state * 4 + ((this.#range >> 6) & 3)] ?? 0;
    this.#range -= lessProbable;
    if (bin === context.mostProbable) {
      context.state = Math.min(context.state + 1, 62);
    } else {
      this.#low += this.#range;
      this.#range = lessProbable;
      if (context.state === 0) context.mostProbable = !context.mostProbable;
      context.state = stateAfterLps[context.state] ?? 0;
    }
    this.#renormalise();
  }

  /**
   * EncodeTerminate, 9.3.4.5, for end_of_slice_flag. With `true` it also flushes: the last bit written is then the
   * stop bit of the RBSP, and nothing more may be encoded.
   */
  terminate(bin: boolean): void {
    this.#range -= 2;
    if (bin) {
      this.#low += this.#range;
      this.#range = 2;
    }
    this.#renormalise();
    if (!bin) return;
    this.#put(((this.#low >> 9) & 1) === 1);
    this.#writer.unsigned(2, ((this.#low >> 7) & 3) | 1);
  }

  /** RenormE, 9.3.4.3. */
  #renormalise(): void {
    while (this.#range < 256) {
      if (this.#low < 256) this.#put(false);
      else if (this.#low >= 512) {
        this.#low -= 512;
        this.#put(true);
      } else {
        // Whether this bit is 0 or 1 is told by a carry that may still come.
        this.#low -= 256;
        this.#outstanding += 1;
      }
      this.#range *= 2;
      this.#low *= 2;
    }
  }

  /** PutBit, 9.3.4.4. The first bit is always 0 and not written. */
  #put(bit: boolean): void {
    if (this.#isFirstBit) this.#isFirstBit = false;
    else this.#writer.flag(bit);
    for (; this.#outstanding > 0; this.#outstanding -= 1) this.#writer.flag(!bit);
  }
}

// prettier-ignore
/** rangeTabLPS, table 9-44: four values for each state. */
export const rangeLps = Uint8Array.of(
  128, 176, 208, 240, 128, 167, 197, 227, 128, 158, 187, 216, 123, 150, 178, 205,
  116, 142, 169, 195, 111, 135, 160, 185, 105, 128, 152, 175, 100, 122, 144, 166,
  95, 116, 137, 158, 90, 110, 130, 150, 85, 104, 123, 142, 81, 99, 117, 135,
  77, 94, 111, 128, 73, 89, 105, 122, 69, 85, 100, 116, 66, 80, 95, 110,
  62, 76, 90, 104, 59, 72, 86, 99, 56, 69, 81, 94, 53, 65, 77, 89,
  51, 62, 73, 85, 48, 59, 69, 80, 46, 56, 66, 76, 43, 53, 63, 72,
  41, 50, 59, 69, 39, 48, 56, 65, 37, 45, 54, 62, 35, 43, 51, 59,
  33, 41, 48, 56, 32, 39, 46, 53, 30, 37, 43, 50, 29, 35, 41, 48,
  27, 33, 39, 45, 26, 31, 37, 43, 24, 30, 35, 41, 23, 28, 33, 39,
  22, 27, 32, 37, 21, 26, 30, 35, 20, 24, 29, 33, 19, 23, 27, 31,
  18, 22, 26, 30, 17, 21, 25, 28, 16, 20, 23, 27, 15, 19, 22, 25,
  14, 18, 21, 24, 14, 17, 20, 23, 13, 16, 19, 22, 12, 15, 18, 21,
  12, 14, 17, 20, 11, 14, 16, 19, 11, 13, 15, 18, 10, 12, 15, 17,
  10, 12, 14, 16, 9, 11, 13, 15, 9, 11, 12, 14, 8, 10, 12, 14,
  8, 9, 11, 13, 7, 9, 11, 12, 7, 9, 10, 12, 7, 8, 10, 11,
  6, 8, 9, 11, 6, 7, 9, 10, 6, 7, 8, 9, 2, 2, 2, 2,
);

// prettier-ignore
/** transIdxLPS, table 9-45: the state after the less probable symbol. */
export const stateAfterLps = Uint8Array.of(
  0, 0, 1, 2, 2, 4, 4, 5, 6, 7, 8, 9, 9, 11, 11, 12,
  13, 13, 15, 15, 16, 16, 18, 18, 19, 19, 21, 21, 22, 22, 23, 24,
  24, 25, 26, 26, 27, 27, 28, 29, 29, 30, 30, 30, 31, 32, 32, 33,
  33, 33, 34, 34, 35, 35, 35, 36, 36, 36, 37, 37, 37, 38, 38, 63,
);

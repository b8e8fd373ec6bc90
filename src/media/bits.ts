import { Fault } from "../domain/fault.ts";

/** Reads bits of an RBSP, emulation prevention bytes already removed. Reading past the end is a `malformed` fault. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get bitsLeft(): number {
    return this.#bytes.length * 8 - this.#position;
  }

  /** One bit: u(1). */
  flag(): boolean {
    return this.unsigned(1) === 1;
  }

  /** u(n) with n from 0 to 32. */
  unsigned(count: number): number {
    if (count > this.bitsLeft)
      throw new Fault("malformed", "The H.264 header ends in the middle of a field.");
    let value = 0;
    for (let i = 0; i < count; i += 1) {
      const byte = this.#bytes[this.#position >> 3] ?? 0;
      value = value * 2 + ((byte >> (7 - (this.#position & 7))) & 1);
      this.#position += 1;
    }
    return value;
  }

  /** ue(v), ITU-T H.264, 9.1; at most 32 bits. */
  unsignedExpGolomb(): number {
    let zeros = 0;
    while (!this.flag()) {
      zeros += 1;
      if (zeros > 32)
        throw new Fault("malformed", "The H.264 header holds an Exp-Golomb code above 32 bits.");
    }
    return 2 ** zeros - 1 + this.unsigned(zeros);
  }

  /** ue(v) of a field that may be `most` at most; a `malformed` fault that gives `name` otherwise. */
  unsignedExpGolombUpTo(most: number, name: string): number {
    const value = this.unsignedExpGolomb();
    if (value > most)
      throw new Fault("malformed", `The H.264 header gives ${value} as ${name}, more than ${most}.`);
    return value;
  }

  /** se(v), ITU-T H.264, 9.1.1. */
  signedExpGolomb(): number {
    const code = this.unsignedExpGolomb();
    return code % 2 === 0 ? -code / 2 : (code + 1) / 2;
  }
}

/** Removes emulation prevention bytes (00 00 03 becomes 00 00; ITU-T H.264, 7.4.1). */
export function removeEmulationPrevention(nalu: Uint8Array): Uint8Array {
  const rbsp = new Uint8Array(nalu.length);
  let length = 0;
  let zeros = 0;
  for (const byte of nalu) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    rbsp[length] = byte;
    length += 1;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return rbsp.subarray(0, length);
}

/** Writes the bits of an RBSP, the inverse of `BitReader`. */
export class BitWriter {
  readonly #bytes: number[] = [];
  #bitsInLast = 8;

  /** One bit: u(1). */
  flag(value: boolean): void {
    if (this.#bitsInLast === 8) {
      this.#bytes.push(0);
      this.#bitsInLast = 0;
    }
    this.#bitsInLast += 1;
    if (value) this.#bytes.push((this.#bytes.pop() ?? 0) | (1 << (8 - this.#bitsInLast)));
  }

  /** u(n) with n from 0 to 32; `value` from 0 to 2^n - 1. */
  unsigned(count: number, value: number): void {
    for (let bit = count - 1; bit >= 0; bit -= 1) this.flag(((value >>> bit) & 1) === 1);
  }

  /** ue(v), ITU-T H.264, 9.1; `value` from 0 to 2^32 - 2. */
  unsignedExpGolomb(value: number): void {
    const length = 32 - Math.clz32(value + 1);
    this.unsigned(length - 1, 0);
    this.unsigned(length, value + 1);
  }

  /** se(v), ITU-T H.264, 9.1.1; `value` from -(2^31 - 1) to 2^31 - 1. */
  signedExpGolomb(value: number): void {
    this.unsignedExpGolomb(value > 0 ? 2 * value - 1 : -2 * value);
  }

  /** Fills the last byte with `bit`. */
  align(bit: boolean): void {
    while (this.#bitsInLast < 8) this.flag(bit);
  }

  /** rbsp_trailing_bits(), ITU-T H.264, 7.3.2.11: the stop bit, then zeros to the end of the byte. */
  trailingBits(): void {
    this.flag(true);
    this.align(false);
  }

  /** What has been written; a last byte that is not full ends in zeros. */
  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/**
 * Puts in emulation prevention bytes: 03 between two zeros and a byte of 0 to 3 (ITU-T H.264, 7.4.1). The inverse of
 * `removeEmulationPrevention` for an RBSP, which never ends in a zero byte.
 */
export function addEmulationPrevention(rbsp: Uint8Array): Uint8Array {
  const nalu: number[] = [];
  let zeros = 0;
  for (const byte of rbsp) {
    if (zeros >= 2 && byte <= 3) {
      nalu.push(3);
      zeros = 0;
    }
    nalu.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Uint8Array.from(nalu);
}

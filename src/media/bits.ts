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

/** AAC-LC as it goes next to the picture. Every AAC access unit holds 1024 samples per channel. */
import { Fault } from "../domain/fault.ts";

export const samplesPerAacUnit = 1024;

export interface AacFormat {
  readonly sampleRate: number;
  readonly channels: 1 | 2;
}

const sampleRates: readonly number[] = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350,
];

const objectTypeLowComplexity = 2;

/** The 2-byte AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) of AAC-LC at one of the standard rates. */
export function audioSpecificConfig(format: AacFormat): Buffer {
  const rateIndex = sampleRates.indexOf(format.sampleRate);
  if (rateIndex < 0) throw new RangeError(`AAC has no sample rate index for ${format.sampleRate} Hz`);
  return Buffer.from([
    (objectTypeLowComplexity << 3) | (rateIndex >> 1),
    ((rateIndex & 1) << 7) | (format.channels << 3),
  ]);
}

/**
 * Reads an AudioSpecificConfig back. Throws a `Fault` with code `malformed` for anything but mono or stereo AAC-LC at
 * one of the standard rates.
 */
export function parseAudioSpecificConfig(config: Uint8Array): AacFormat {
  const [first = 0, second = 0] = config;
  const sampleRate = sampleRates[((first & 7) << 1) | (second >> 7)];
  const channels = (second >> 3) & 0x0f;
  if (
    first >> 3 !== objectTypeLowComplexity ||
    sampleRate === undefined ||
    (channels !== 1 && channels !== 2)
  ) {
    const got = Buffer.from(config.subarray(0, 8)).toString("hex");
    throw new Fault(
      "malformed",
      `Expected mono or stereo AAC-LC at a standard rate, got the configuration "${got}".`,
    );
  }
  return { sampleRate, channels };
}

export const silentAacFormat: AacFormat = { sampleRate: 44_100, channels: 2 };

const silentStereoUnit: Uint8Array = Buffer.from([0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c]);
const silentMonoUnit: Uint8Array = Buffer.from([0x01, 0x18, 0x20, 0x07]);

/** One AAC-LC access unit of digital silence: its channels with no spectral data, then the end mark. */
export function silentAacUnit({ channels }: AacFormat): Uint8Array {
  return channels === 1 ? silentMonoUnit : silentStereoUnit;
}

/** A pause of the picture that is longer than this is a pause of the silence too. */
const maxCatchUpUs = 1_000_000;

/**
 * Counts out access units of silence along the picture's own time, so that sound and picture cannot drift apart.
 * `take(ptsUs)` gives the presentation times, in microseconds, of all units that begin at or before `ptsUs` and were
 * not given yet; the first call, and the first one after a pause of more than a second, starts at its own time.
 */
export class SilentAacClock {
  readonly #sampleRate: number;
  #startUs = Number.NEGATIVE_INFINITY;
  #given = 0;

  constructor({ sampleRate }: AacFormat) {
    this.#sampleRate = sampleRate;
  }

  *take(ptsUs: number): Generator<number> {
    if (ptsUs - this.#nextUs() > maxCatchUpUs) {
      this.#startUs = ptsUs;
      this.#given = 0;
    }
    for (let next = this.#nextUs(); next <= ptsUs; next = this.#nextUs()) {
      this.#given += 1;
      yield next;
    }
  }

  #nextUs(): number {
    return this.#startUs + Math.round((this.#given * samplesPerAacUnit * 1_000_000) / this.#sampleRate);
  }
}

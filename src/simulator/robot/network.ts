/** What the way from the robot to a viewer does to packets. Both in percent. */
export interface NetworkFaults {
  readonly lossPercent: number;
  readonly reorderPercent: number;
}

/** Numbers from 0 to below 1, the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A held packet goes out after this many later ones, or after this time. */
const heldPackets = 3;
const heldMs = 20;

/**
 * A network that loses and reorders what is sent through it, retransmissions too. The same seed does the same to the
 * same packets.
 */
export class FaultyNetwork {
  faults: NetworkFaults;
  lost = 0;
  readonly #random: () => number;
  readonly #deliver: (packet: Buffer) => void;
  #held: { readonly packet: Buffer; after: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(faults: NetworkFaults, seed: number, deliver: (packet: Buffer) => void) {
    this.faults = faults;
    this.#random = seededRandom(seed);
    this.#deliver = deliver;
  }

  send(packet: Buffer): void {
    const { lossPercent, reorderPercent } = this.faults;
    if (lossPercent > 0 && this.#random() * 100 < lossPercent) {
      this.lost += 1;
      return;
    }
    if (reorderPercent > 0 && this.#random() * 100 < reorderPercent) {
      this.#held.push({ packet, after: heldPackets });
      this.#timer ??= setTimeout(() => this.#release(() => true), heldMs);
      return;
    }
    this.#deliver(packet);
    if (this.#held.length > 0) this.#release((held) => (held.after -= 1) <= 0);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#held = [];
  }

  #release(isDue: (held: { after: number }) => boolean): void {
    const due = this.#held.filter(isDue);
    this.#held = this.#held.filter((held) => !due.includes(held));
    if (this.#held.length === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    for (const { packet } of due) this.#deliver(packet);
  }
}

/** How many bytes one connection had been handed at one moment. */
interface HandedOver {
  readonly atUs: number;
  readonly bytes: number;
  /** How long the oldest picture in the queue before the connection had waited there then, milliseconds. */
  readonly queuedMs: number;
}

/**
 * How long the oldest of what has not arrived yet has been on this side. Measured by when it was handed over, as no
 * rate of a line that stutters tells how long something will take. Pure: time comes with each look.
 */
export class WaitingAge {
  #handed: readonly HandedOver[] = [];

  /**
   * Milliseconds, at least: what was handed over between two looks counts from the later one. `sentBytes` and
   * `deliveredBytes` count from the connection's beginning; the latter may step back.
   */
  look(atUs: number, sentBytes: number, deliveredBytes: number, queuedMs: number): number {
    const waiting = this.#handed.filter(({ bytes }) => bytes > deliveredBytes);
    const isNew = sentBytes > (this.#handed.at(-1)?.bytes ?? 0);
    this.#handed = isNew ? [...waiting, { atUs, bytes: sentBytes, queuedMs }] : waiting;
    const [oldest] = this.#handed;
    if (oldest === undefined) return queuedMs;
    return Math.max(queuedMs, (atUs - oldest.atUs) / 1000 + oldest.queuedMs);
  }
}

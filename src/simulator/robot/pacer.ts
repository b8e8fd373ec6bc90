/** Sends things one after the other, evenly over some time. */
export class Pacer {
  #due: { readonly atMs: number; readonly send: () => void }[] = [];
  #timer: NodeJS.Timeout | undefined;

  /**
   * Calls `send` with 0 to `count - 1`, spread over `overMs` milliseconds from now; all at once when that is 0.
   * What an earlier call has left goes first.
   */
  send(count: number, overMs: number, send: (index: number) => void): void {
    const now = performance.now();
    for (let index = 0; index < count; index++) {
      if (overMs === 0 && this.#due.length === 0) send(index);
      else this.#due.push({ atMs: now + (index * overMs) / count, send: () => send(index) });
    }
    if (this.#timer === undefined) this.#run();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#due = [];
  }

  #run(): void {
    this.#timer = undefined;
    const now = performance.now();
    const later = this.#due.findIndex(({ atMs }) => atMs > now);
    for (const { send } of this.#due.splice(0, later === -1 ? this.#due.length : later)) send();
    const next = this.#due[0];
    if (next !== undefined)
      this.#timer = setTimeout(() => this.#run(), Math.max(0, next.atMs - performance.now()));
  }
}

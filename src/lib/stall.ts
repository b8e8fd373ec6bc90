/** Notices what is open but dead: calls `onStall` once when `beat` has not been called for `limitMs`. */
export function watchForStall(limitMs: number, onStall: () => void): Disposable & { beat(): void } {
  let timer: NodeJS.Timeout | undefined = setTimeout(() => {
    timer = undefined;
    onStall();
  }, limitMs);
  return {
    beat() {
      timer?.refresh();
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}

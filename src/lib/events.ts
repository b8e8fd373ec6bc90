import type { Report, Subscribe } from "../domain/status.ts";

export interface EventBus {
  readonly report: Report;
  readonly subscribe: Subscribe;
}

/** Gives every event to every listener, in the order of their coming. A listener must not throw. */
export function createEventBus(): EventBus {
  const listeners = new Set<Report>();
  return {
    report(event) {
      for (const listener of listeners) listener(event);
    },
    subscribe(listener, signal) {
      if (signal.aborted) return;
      listeners.add(listener);
      signal.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
}

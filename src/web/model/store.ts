import { useEffect, useState } from "preact/hooks";

/** One value that many look at. */
export interface Store<State> {
  readonly value: State;
  /** Takes over some fields and tells everybody. */
  set(change: Partial<State>): void;
  /** Tells the listener of every change until the function it gives is called. */
  subscribe(listener: () => void): () => void;
}

export function createStore<State extends object>(initial: State): Store<State> {
  let value = initial;
  const listeners = new Set<() => void>();
  return {
    get value() {
      return value;
    },
    set(change) {
      value = { ...value, ...change };
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What `select` takes out of the store; the component is drawn again when that is another value. */
export function useStore<State extends object, Part>(
  store: Store<State>,
  select: (state: State) => Part,
): Part {
  const part = select(store.value);
  const [, redraw] = useState<{ readonly part: Part }>({ part });
  useEffect(() => {
    let seen = select(store.value);
    const look = (): void => {
      const now = select(store.value);
      if (Object.is(now, seen)) return;
      seen = now;
      redraw({ part: now });
    };
    // It may have changed between drawing and now.
    if (!Object.is(seen, part)) redraw({ part: seen });
    return store.subscribe(look);
    // `select` is written in place and reads nothing but the state.
  }, [store]);
  return part;
}

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { act } from "../model/commands.ts";
import { app } from "../model/state.ts";
import { useStore } from "../model/store.ts";
import { Icon } from "./icons.tsx";

const thinkMs = 4000;

/** Start at one press; stop asks back, as thousands may be watching. */
export function StartStop(): JSX.Element {
  const desired = useStore(app, ({ status }) => status?.desired);
  const isBusy = useStore(app, ({ busy }) => busy.has("start") || busy.has("stop"));
  const isLost = useStore(app, ({ link }) => link === "lost");
  const [isAsking, setAsking] = useState(false);
  useEffect(() => {
    if (!isAsking) return undefined;
    const timer = setTimeout(() => setAsking(false), thinkMs);
    return () => clearTimeout(timer);
  }, [isAsking]);

  const isOff = desired === undefined || isBusy || isLost;
  if (desired !== "live") {
    return (
      <button
        type="button"
        class="main-action go"
        disabled={isOff}
        onClick={() => void act({ kind: "start" })}
      >
        <Icon name="start" /> {isBusy ? "Starting…" : "Go live"}
      </button>
    );
  }
  const stop = (): void => {
    setAsking(!isAsking);
    if (isAsking) void act({ kind: "stop" });
  };
  return (
    <button
      type="button"
      class={`main-action stop${isAsking ? " is-asking" : ""}`}
      disabled={isOff}
      onClick={stop}
      onBlur={() => setAsking(false)}
    >
      <Icon name="stop" /> <span aria-live="polite">{isAsking ? "Really stop?" : "Stop"}</span>
    </button>
  );
}

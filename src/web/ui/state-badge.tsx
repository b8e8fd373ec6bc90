import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Phase } from "../../domain/status.ts";
import { app } from "../model/state.ts";
import { useStore } from "../model/store.ts";
import { clockOf, phaseWords } from "../words.ts";
import { Icon } from "./icons.tsx";
import type { IconName } from "./icons.tsx";

const icons: Readonly<Record<Phase, IconName>> = {
  idle: "idle",
  starting: "start",
  live: "live",
  holding: "hold",
  retrying: "retry",
  stopping: "stop",
};

/** Seconds in this phase, going on between two answers of spotlive. */
function usePhaseSeconds(): number | undefined {
  const since = useStore(app, ({ status }) => status?.sinceSeconds);
  const statusAt = useStore(app, (state) => state.statusAt);
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => redraw((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return since === undefined ? undefined : since + (performance.now() - statusAt) / 1000;
}

/** What the line is doing, large enough to be read from across the room, and why. */
export function StateBadge(): JSX.Element {
  const phase = useStore(app, ({ status }) => status?.phase);
  const reason = useStore(app, ({ status }) => status?.reason ?? "");
  const isLost = useStore(app, ({ link }) => link === "lost");
  const seconds = usePhaseSeconds();
  const isTimed = phase !== undefined && phase !== "idle" && seconds !== undefined;
  return (
    <div class={`state is-${phase ?? "unknown"}${isLost ? " is-stale" : ""}`}>
      <p class="state-word" hidden={phase === undefined}>
        {phase !== undefined && <Icon name={icons[phase]} />}
        <span role="status">
          <span class="unseen">The line is </span>
          {phase !== undefined && phaseWords[phase]}
        </span>
        <span class="state-time" role="timer" aria-label="In this state for">
          {isTimed ? clockOf(seconds) : ""}
        </span>
      </p>
      <p class="state-reason" title={reason}>
        {isLost ? "Not heard from spotlive: this was the state when it was last reached." : reason}
      </p>
    </div>
  );
}

import type { JSX } from "preact";
import { app } from "../model/state.ts";
import { useStore } from "../model/store.ts";
import { CameraPad } from "./camera-pad.tsx";
import { Graphs } from "./graphs.tsx";
import { Line } from "./line.tsx";
import { Machine } from "./machine.tsx";
import { Notices } from "./notices.tsx";
import { Picture } from "./picture.tsx";
import { VerdictCard } from "./verdict-card.tsx";

/** The picture, and everything an operator needs beside it. */
export function LiveView(): JSX.Element {
  const isKnown = useStore(app, ({ status }) => status !== undefined);
  const hasCamera = useStore(app, ({ status }) => status?.camera !== undefined);
  return (
    <div class="live">
      <h1 class="unseen">Live</h1>
      <Picture />
      {/* Comes as a whole: what is filled bit by bit jumps. */}
      {isKnown && (
        <div class="side">
          {hasCamera && <CameraPad />}
          <Line />
          <VerdictCard />
          <Machine />
          <Notices />
        </div>
      )}
      {isKnown && <Graphs />}
    </div>
  );
}

import type { JSX } from "preact";
import { useId } from "preact/hooks";
import type { CameraAction, CameraState } from "../../domain/camera.ts";
import { act } from "../model/commands.ts";
import type { Move } from "../model/mover.ts";
import { app } from "../model/state.ts";
import { useStore } from "../model/store.ts";
import { mover, step, zoomStep } from "./camera-hands.ts";
import { Card } from "./card.tsx";
import { Icon } from "./icons.tsx";
import type { IconName } from "./icons.tsx";

const moves: readonly {
  readonly name: IconName;
  readonly text: string;
  readonly place: string;
  readonly move: Partial<Move>;
}[] = [
  { name: "up", text: "Look up", place: "pad-up", move: { tilt: step } },
  { name: "left", text: "Look left", place: "pad-left", move: { pan: -step } },
  { name: "right", text: "Look right", place: "pad-right", move: { pan: step } },
  { name: "down", text: "Look down", place: "pad-down", move: { tilt: -step } },
  { name: "plus", text: "Zoom in", place: "pad-in", move: { zoom: zoomStep } },
  { name: "minus", text: "Zoom out", place: "pad-out", move: { zoom: 1 / zoomStep } },
];

const ask = (action: CameraAction): void => void act({ kind: "camera", action });

/** What can be done with this camera, and nothing else. */
export function CameraPad(): JSX.Element | null {
  const camera = useStore(app, ({ status }) => status?.camera);
  const locked = useStore(app, ({ status }) => status?.locked ?? false);
  const id = useId();
  if (camera === undefined) return null;
  const { can } = camera;
  if (!can.includes("ptz") && !can.includes("screens") && !can.includes("lights")) return null;
  return (
    <Card title="Camera" aside={<LockButton locked={locked} />} class="camera-card">
      {can.includes("ptz") && <Pad camera={camera} />}
      {can.includes("screens") && camera.screens !== undefined && camera.screens.length > 0 && (
        <div class="field in-line">
          <label for={`${id}-screen`}>Screen</label>
          <select
            id={`${id}-screen`}
            value={camera.screen ?? ""}
            onChange={({ currentTarget }) => ask({ kind: "screen", name: currentTarget.value })}
          >
            {camera.screen === undefined && <option value="">not known</option>}
            {camera.screens.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </div>
      )}
      {can.includes("lights") && (
        <div class="field in-line">
          <label for={`${id}-lights`}>Lights</label>
          <input
            id={`${id}-lights`}
            type="range"
            min="0"
            max="1"
            step="0.05"
            value={camera.lights ?? 0}
            onChange={({ currentTarget }) => ask({ kind: "lights", brightness: Number(currentTarget.value) })}
          />
          <output class="number">{Math.round((camera.lights ?? 0) * 100)} %</output>
        </div>
      )}
    </Card>
  );
}

function Pad({ camera }: { readonly camera: CameraState }): JSX.Element {
  const { position, presets } = camera;
  return (
    <>
      <div class="pad-row">
        <div class="pad" role="group" aria-label="Move the camera">
          {moves.map(({ name, text, place, move }) => (
            <button key={name} type="button" class={place} title={text} onClick={() => mover.move(move)}>
              <Icon name={name} />
              <span class="unseen">{text}</span>
            </button>
          ))}
        </div>
        <dl class="facts">
          <div>
            <dt>Pan</dt>
            <dd>{position === undefined ? "–" : `${Math.round(position.pan)}°`}</dd>
          </div>
          <div>
            <dt>Tilt</dt>
            <dd>{position === undefined ? "–" : `${Math.round(position.tilt)}°`}</dd>
          </div>
          <div>
            <dt>Zoom</dt>
            <dd>{position === undefined ? "–" : `${position.zoom.toFixed(1)}×`}</dd>
          </div>
        </dl>
      </div>
      {presets.length > 0 && (
        <div class="presets" role="group" aria-label="Presets">
          {presets.map((name) => (
            <button key={name} type="button" onClick={() => ask({ kind: "preset", name })}>
              {name}
            </button>
          ))}
        </div>
      )}
    </>
  );
}

/** The operator's kill switch: it does not bind who is here. */
function LockButton({ locked }: { readonly locked: boolean }): JSX.Element {
  const isBusy = useStore(app, ({ busy }) => busy.has("lock") || busy.has("unlock"));
  return (
    <span class="lock">
      {locked && (
        <span class="chip is-warning">
          <Icon name="lock" /> Chat locked out
        </span>
      )}
      <button
        type="button"
        class="quiet"
        disabled={isBusy}
        title={locked ? "Let chat and MQTT move the camera" : "Keep chat and MQTT from moving the camera"}
        onClick={() => void act({ kind: locked ? "unlock" : "lock" })}
      >
        <Icon name={locked ? "unlock" : "lock"} /> {locked ? "Unlock" : "Lock"}
      </button>
    </span>
  );
}

import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";
import { wordsOf } from "../model/api.ts";
import { moveCamera } from "../model/commands.ts";
import { createMover, dragToMove } from "../model/mover.ts";
import { app, tell } from "../model/state.ts";
import { useStore } from "../model/store.ts";

/** The one that everything on the page moves the camera with. */
export const mover = createMover({
  send: moveCamera,
  onRefused: (error) => tell("refused", wordsOf(error)),
  after: (ms, callback) => void setTimeout(callback, ms),
});

/** Degrees for one press. */
export const step = 8;
const smallStep = 1.5;
export const zoomStep = 1.25;
const wheelZoom = 0.0015;
/** Pixels by which a wheel that counts in lines or pages turns. */
const wheelUnits = [1, 16, 400];

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const degrees = event.shiftKey ? smallStep : step;
  switch (event.key) {
    case "ArrowLeft":
      mover.move({ pan: -degrees });
      break;
    case "ArrowRight":
      mover.move({ pan: degrees });
      break;
    case "ArrowUp":
      mover.move({ tilt: degrees });
      break;
    case "ArrowDown":
      mover.move({ tilt: -degrees });
      break;
    case "+":
    case "=":
      mover.move({ zoom: zoomStep });
      break;
    case "-":
      mover.move({ zoom: 1 / zoomStep });
      break;
    default:
      return;
  }
  event.preventDefault();
}

function onWheel(event: WheelEvent): void {
  event.preventDefault();
  const pixels = event.deltaY * (wheelUnits[event.deltaMode] ?? 1);
  mover.move({ zoom: Math.exp(-pixels * wheelZoom) });
}

/** Lets the picture be dragged, wheeled and steered by keys, where the camera can be moved. */
export function useCameraHands(frame: RefObject<HTMLElement>): { readonly canMove: boolean } {
  const canMove = useStore(app, ({ status }) => status?.camera?.can.includes("ptz") ?? false);
  useEffect(() => {
    const element = frame.current;
    if (!canMove || element === null) return undefined;
    const scope = new AbortController();
    const { signal } = scope;
    let held: { readonly x: number; readonly y: number } | undefined;

    element.addEventListener("keydown", onKey, { signal });
    element.addEventListener("wheel", onWheel, { signal, passive: false });
    element.addEventListener(
      "pointerdown",
      (event) => {
        if (event.button !== 0 || !event.isPrimary) return;
        held = { x: event.clientX, y: event.clientY };
        element.setPointerCapture(event.pointerId);
        element.classList.add("is-held");
      },
      { signal },
    );
    element.addEventListener(
      "pointermove",
      (event) => {
        if (held === undefined || !event.isPrimary) return;
        const drag = { x: event.clientX - held.x, y: event.clientY - held.y };
        held = { x: event.clientX, y: event.clientY };
        const zoom = app.value.status?.camera?.position?.zoom ?? 1;
        mover.move(dragToMove(drag, { width: element.clientWidth, zoom }));
      },
      { signal },
    );
    const letGo = (): void => {
      held = undefined;
      element.classList.remove("is-held");
    };
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"] as const)
      element.addEventListener(type, letGo, { signal });
    return () => scope.abort();
  }, [canMove]);
  return { canMove };
}

import type { CameraAction } from "../../domain/camera.ts";

/** A camera takes two actions a second for long. */
export const pauseMs = 500;

export interface Move {
  /** Degrees. */
  readonly pan: number;
  readonly tilt: number;
  /** Factor; 1 leaves it as it is. */
  readonly zoom: number;
}

export interface Mover {
  /** Adds to what is wanted. */
  move(move: Partial<Move>): void;
}

interface MoverParts {
  /** Rejects where the camera refuses. */
  send(action: CameraAction): Promise<void>;
  onRefused(error: unknown): void;
  after(ms: number, callback: () => void): void;
}

const still: Move = { pan: 0, tilt: 0, zoom: 1 };

/**
 * Joins a flood of small moves (a drag, a wheel) to as few actions as a camera takes: one at a time, the first at
 * once, the next half a second later with everything that was wanted meanwhile.
 */
export function createMover({ send, onRefused, after }: MoverParts): Mover {
  let wanted = still;
  let isBusy = false;

  function go(): void {
    const { pan, tilt, zoom } = wanted;
    const isStill = Math.abs(pan) < 0.05 && Math.abs(tilt) < 0.05 && Math.abs(zoom - 1) < 0.005;
    if (isBusy || isStill) return;
    wanted = still;
    isBusy = true;
    const paused = new Promise<void>((resolve) => after(pauseMs, resolve));
    const sent = send({
      kind: "look",
      pan: round(clamp(pan, -180, 180)),
      tilt: round(clamp(tilt, -180, 180)),
      zoom: round(clamp(zoom, 0.1, 10)),
    }).catch((error: unknown) => {
      wanted = still; // what a camera refuses once is not asked for again and again
      onRefused(error);
    });
    void Promise.all([paused, sent]).then(() => {
      isBusy = false;
      go();
    });
  }

  return {
    move({ pan = 0, tilt = 0, zoom = 1 }) {
      wanted = { pan: wanted.pan + pan, tilt: wanted.tilt + tilt, zoom: wanted.zoom * zoom };
      go();
    },
  };
}

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));
const round = (value: number): number => Math.round(value * 100) / 100;

/** Degrees that a picture's width shows at zoom 1: a Spot CAM's PTZ; for others a drag is a little off, and seen. */
const widthDegrees = 62;

/** The move that keeps what was taken hold of under the pointer: the picture is dragged, so the camera goes the other way. */
export function dragToMove(
  drag: { readonly x: number; readonly y: number },
  picture: { readonly width: number; readonly zoom: number },
): Partial<Move> {
  const degreesPerPixel = widthDegrees / Math.max(1, picture.width) / Math.max(1, picture.zoom);
  return { pan: -drag.x * degreesPerPixel, tilt: drag.y * degreesPerPixel };
}

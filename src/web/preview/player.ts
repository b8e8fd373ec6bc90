import type { Frame } from "./frame.ts";
import type { Format, Latency } from "./messages.ts";
import { canMse, createMsePlayer } from "./mse-player.ts";
import { canWebCodecs, createWebCodecsPlayer } from "./webcodecs-player.ts";

/** Shows frames that came over the websocket. */
export interface Player {
  play(frame: Frame): void;
  close(): void;
}

/** What pictures are shown in: one of them at a time. */
export interface Screens {
  readonly video: HTMLVideoElement;
  readonly canvas: HTMLCanvasElement;
}

/** The best player that this browser has for the format, or why there is none. */
export function createPlayer(
  { video, canvas }: Screens,
  format: Format,
  latency: Latency,
  onPicture: () => void,
): Player | string {
  const wantsCanvas = canWebCodecs();
  canvas.hidden = !wantsCanvas;
  video.hidden = wantsCanvas;
  if (wantsCanvas) return createWebCodecsPlayer(canvas, format, latency, onPicture);
  if (canMse(format)) return createMsePlayer(video, format, latency);
  return `This browser cannot play the camera's pictures (H.264, ${format.codec}). Use a current Chromium, Firefox or Safari.`;
}

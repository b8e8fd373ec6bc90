import type { Frame } from "./frame.ts";
import type { Format, Latency } from "./messages.ts";
import type { Player } from "./player.ts";

/** Milliseconds by which `smooth` evens out an uneven network. */
const smoothMs = 120;
/** Pictures in the decoder above which everything up to the next keyframe is left out. */
const mostDecoding = 30;

export const canWebCodecs = (): boolean => "VideoDecoder" in globalThis;

/** Decodes frames and draws each into a canvas: at once (`live`), or evenly by their times (`smooth`). */
export function createWebCodecsPlayer(
  canvas: HTMLCanvasElement,
  { codec, width, height }: Format,
  latency: Latency,
  onPicture: () => void,
): Player {
  const context = canvas.getContext("2d", { alpha: false, desynchronized: true });
  canvas.width = width;
  canvas.height = height;
  let decoder: VideoDecoder | undefined;
  let needsKey = true;
  let waiting: VideoFrame[] = [];
  let drawing = 0;
  /** `performance.now()` minus the picture's time in milliseconds: the least that was seen is the quickest way here. */
  let offsetMs = Number.POSITIVE_INFINITY;

  function draw(frame: VideoFrame): void {
    if (canvas.width !== frame.displayWidth || canvas.height !== frame.displayHeight)
      [canvas.width, canvas.height] = [frame.displayWidth, frame.displayHeight];
    context?.drawImage(frame, 0, 0);
    frame.close();
    onPicture();
  }

  function drawDue(): void {
    drawing = 0;
    const now = performance.now();
    let due: VideoFrame | undefined;
    while (waiting[0] !== undefined && waiting[0].timestamp / 1000 + offsetMs + smoothMs <= now) {
      due?.close();
      due = waiting.shift();
    }
    if (due !== undefined) draw(due);
    if (waiting.length > 0) drawing = requestAnimationFrame(drawDue);
  }

  function onDecoded(frame: VideoFrame): void {
    if (latency === "live") return draw(frame);
    const offset = performance.now() - frame.timestamp / 1000;
    // A jump of the camera's clock begins anew.
    offsetMs = Math.abs(offset - offsetMs) > 2000 ? offset : Math.min(offset, offsetMs + 0.05);
    waiting.push(frame);
    if (drawing === 0) drawing = requestAnimationFrame(drawDue);
  }

  /** A decoder that has met an error is done for: the next keyframe gets a new one. */
  function open(): VideoDecoder {
    const made = new VideoDecoder({
      output: onDecoded,
      error: () => {
        if (decoder !== made) return;
        decoder = undefined;
        needsKey = true;
      },
    });
    made.configure({ codec, codedWidth: width, codedHeight: height, optimizeForLatency: true });
    return made;
  }

  return {
    play({ isKey, ptsUs, data }: Frame) {
      if (decoder !== undefined && decoder.decodeQueueSize > mostDecoding) needsKey = true;
      if (needsKey && !isKey) return;
      needsKey = false;
      decoder ??= open();
      decoder.decode(new EncodedVideoChunk({ type: isKey ? "key" : "delta", timestamp: ptsUs, data }));
    },
    close() {
      if (decoder?.state !== "closed") decoder?.close();
      decoder = undefined;
      cancelAnimationFrame(drawing);
      for (const frame of waiting) frame.close();
      waiting = [];
    },
  };
}

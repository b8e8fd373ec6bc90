import { splitNalus, typeOf } from "./frame.ts";
import type { Frame } from "./frame.ts";
import type { Format, Latency } from "./messages.ts";
import { fragment, initSegment, timescale } from "./mp4.ts";
import type { Player } from "./player.ts";

/** Seconds behind the newest picture at which the picture jumps ahead. */
const mostBehind = { live: 0.4, smooth: 1.5 } as const satisfies Record<Latency, number>;
const keptSeconds = 20;
const mostWaiting = 120;
const firstDuration = timescale / 30;
const [sps, pps, delimiter] = [7, 8, 9];

/** Safari on telephones has it under another name only. */
function mediaSourceClass(): typeof MediaSource | undefined {
  const names = globalThis as { MediaSource?: typeof MediaSource; ManagedMediaSource?: typeof MediaSource };
  return names.MediaSource ?? names.ManagedMediaSource;
}

export function canMse({ codec }: Format): boolean {
  return mediaSourceClass()?.isTypeSupported(typeOfFormat(codec)) ?? false;
}

const typeOfFormat = (codec: string): string => `video/mp4; codecs="${codec}"`;

/** Plays frames through Media Source Extensions: where a page is not on https, WebCodecs are not there. */
export function createMsePlayer(video: HTMLVideoElement, format: Format, latency: Latency): Player {
  const Source = mediaSourceClass();
  if (Source === undefined) throw new Error("This browser has no Media Source Extensions.");
  const source = new Source();
  const address = URL.createObjectURL(source);
  let buffer: SourceBuffer | undefined;
  let waiting: Uint8Array<ArrayBuffer>[] = [];
  let isInitialized = false;
  let firstUs: number | undefined;
  let lastTime = 0;
  let duration = firstDuration;
  let sequence = 0;

  source.addEventListener("sourceopen", () => {
    if (source.sourceBuffers.length > 0) return;
    buffer = source.addSourceBuffer(typeOfFormat(format.codec));
    buffer.addEventListener("updateend", next);
    next();
  });
  video.srcObject = null;
  video.disableRemotePlayback = true; // else Safari's managed source does not open
  video.src = address;

  function next(): void {
    if (buffer === undefined || buffer.updating || source.readyState !== "open") return;
    catchUp();
    const segment = waiting.shift();
    if (segment !== undefined) return buffer.appendBuffer(segment);
    const { buffered } = buffer;
    const tooOld = video.currentTime - keptSeconds;
    if (buffered.length > 0 && buffered.start(0) < tooOld - keptSeconds) buffer.remove(0, tooOld);
  }

  /** Goes to the newest picture when it has fallen behind, or stands in a gap. */
  function catchUp(): void {
    const { buffered } = video;
    if (buffered.length === 0) return;
    const end = buffered.end(buffered.length - 1);
    const start = buffered.start(buffered.length - 1);
    if (video.currentTime < start || end - video.currentTime > mostBehind[latency])
      video.currentTime = Math.max(start, end - mostBehind[latency] / 4);
    if (video.paused) void video.play().catch(() => {}); // it is muted; a browser that still refuses shows its own button
  }

  return {
    play({ data, isKey, ptsUs }: Frame) {
      const nalus = splitNalus(data);
      if (!isInitialized) {
        const sets = {
          sps: nalus.find((nalu) => typeOf(nalu) === sps),
          pps: nalus.find((nalu) => typeOf(nalu) === pps),
        };
        if (!isKey || sets.sps === undefined || sets.pps === undefined) return;
        waiting.push(initSegment(format, { sps: sets.sps, pps: sets.pps }));
        isInitialized = true;
      }
      firstUs ??= ptsUs;
      const time = Math.round(((ptsUs - firstUs) * timescale) / 1_000_000);
      if (time > lastTime) duration = Math.min(time - lastTime, timescale);
      lastTime = time;
      sequence += 1;
      const coded = nalus.filter((nalu) => typeOf(nalu) !== delimiter);
      waiting.push(fragment({ sequence, time, duration, isKey, nalus: coded }));
      // Nothing takes them: the page is hidden, or the browser has given up.
      if (waiting.length > mostWaiting) {
        waiting = [];
        isInitialized = false;
      }
      next();
    },
    close() {
      waiting = [];
      buffer = undefined;
      video.removeAttribute("src");
      video.load();
      URL.revokeObjectURL(address);
    },
  };
}

import type { VideoUnit } from "../../domain/media.ts";
import type {
  Attendance,
  Onlooker,
  Preview,
  PreviewCounters,
  PreviewSeat,
  PreviewSourceState,
  PreviewViewer,
  WatchedCamera,
} from "../../domain/preview.ts";
import { nowUs } from "../../lib/clock.ts";
import { GopCache } from "../../media/gop-cache.ts";
import { toRtpTimestamp } from "../webrtc/rtp-stream.ts";
import type { Stage } from "./delivery.ts";
import { Picture } from "./picture.ts";
import { Seat } from "./seat.ts";

export interface PreviewOptions {
  /** Most viewers at one time, 1 or more. */
  readonly maxViewers: number;
}

/** A new viewer is given the GOP at once where it is not larger than this. */
const recentLimits = { milliseconds: 4000, bytes: 3 * 1024 * 1024 };
/** What viewers want is asked of the camera this often at most. */
const keyframeEveryUs = 1_000_000;
const awayMs = 1000;
const tooManyViewers = 4000;
/** A page that is loaded anew finds the camera still connected. */
const lingerMs = 5000;

/**
 * The camera's own pictures for viewers in browsers. It lives as long as the appliance and looks on at each session in
 * turn; no viewer can slow down another one or the line. Without viewers it only keeps the newest GOP.
 */
export function createPreview({ maxViewers }: PreviewOptions): Preview & Onlooker {
  const seats = new Set<Seat>();
  const cache = new GopCache();
  let camera: WatchedCamera | undefined;
  /** Whether the camera's pictures have RTP timestamps; undefined until the first one. */
  let hasTimestamps: boolean | undefined;
  let state: PreviewSourceState = "idle";
  let awayTimer: NodeJS.Timeout | undefined;
  let shownUs = Number.NEGATIVE_INFINITY;
  let askedUs = Number.NEGATIVE_INFINITY;
  let lingering: NodeJS.Timeout | undefined;
  let tellWish = (): void => {};
  const gone = { droppedPictures: 0, repeatedPackets: 0, keyframeRequests: 0 };

  const stage: Stage = {
    recent() {
      if (camera === undefined || cache.milliseconds > recentLimits.milliseconds) return [];
      const units = cache.units.filter((unit) => unit.kind === "video");
      const bytes = units.reduce((sum, { avcc }) => sum + avcc.length, 0);
      return bytes > recentLimits.bytes ? [] : units.map(toPicture);
    },
    wantKeyframe() {
      if (camera === undefined || nowUs() - askedUs < keyframeEveryUs) return;
      askedUs = nowUs();
      gone.keyframeRequests += 1;
      camera.requestKeyframe();
    },
    countRepeated: (packets) => void (gone.repeatedPackets += packets),
  };

  function toPicture(unit: VideoUnit): Picture {
    return new Picture(unit, hasTimestamps === true ? unit.rtpTimestamp : toRtpTimestamp(unit.ptsUs));
  }

  function show(unit: VideoUnit): void {
    hasTimestamps ??= unit.rtpTimestamp !== 0;
    cache.push(unit);
    if (seats.size === 0) return;
    shownUs = nowUs();
    if (state !== "running") setState("running");
    const picture = toPicture(unit);
    for (const seat of seats) seat.show(picture);
  }

  function setState(next: PreviewSourceState): void {
    state = next;
    for (const { viewer } of seats) viewer.send(sourceMessage(next));
  }

  const look = (): void => {
    if (state === "running" && nowUs() - shownUs > awayMs * 1000) setState("away");
  };

  function leave(seat: Seat): void {
    seats.delete(seat);
    gone.droppedPictures += seat.droppedPictures;
    if (seats.size > 0) return;
    clearInterval(awayTimer);
    awayTimer = undefined;
    lingering = setTimeout(() => {
      lingering = undefined;
      tellWish();
    }, lingerMs).unref();
  }

  return {
    get counters(): PreviewCounters {
      let { droppedPictures } = gone;
      for (const seat of seats) droppedPictures += seat.droppedPictures;
      return { ...gone, droppedPictures, viewers: seats.size };
    },
    join(viewer: PreviewViewer): PreviewSeat | undefined {
      if (seats.size >= maxViewers) {
        const text = `All ${maxViewers} places of the preview are taken. Close it in another browser, or set preview.maxViewers higher.`;
        viewer.send({ type: "refused", code: "too-many-viewers", text });
        viewer.close(tooManyViewers, "too many viewers");
        return undefined;
      }
      const seat: Seat = new Seat(viewer, stage, () => leave(seat));
      seats.add(seat);
      if (awayTimer === undefined) {
        if (camera !== undefined) state = "away"; // nobody has looked; the next picture tells
        awayTimer = setInterval(look, awayMs / 2);
      }
      viewer.send(sourceMessage(state));
      clearTimeout(lingering);
      lingering = undefined;
      tellWish();
      return seat;
    },
    get isWanted(): boolean {
      return seats.size > 0 || lingering !== undefined;
    },
    onWish: (listener) => void (tellWish = listener),
    attend(watched: WatchedCamera): Attendance {
      camera = watched;
      hasTimestamps = undefined;
      cache.clear();
      setState("away");
      return {
        show: (unit) => camera === watched && show(unit),
        [Symbol.dispose]() {
          if (camera !== watched) return;
          camera = undefined;
          cache.clear();
          setState("idle");
        },
      };
    },
  };
}

function sourceMessage(state: PreviewSourceState) {
  return { type: "source", state, text: texts[state] } as const;
}

const texts: Readonly<Record<PreviewSourceState, string>> = {
  running: "The camera sends pictures.",
  away: "No pictures come from the camera at the moment.",
  idle: "The camera is not connected.",
};

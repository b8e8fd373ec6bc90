import { Timeline } from "./timeline.ts";

interface SenderReport {
  readonly ntpUs: number;
  readonly rtpTimestamp: number;
}

const audioClockRate = 48_000;
const videoClockRate = 90_000;
/** Below this the ear notices nothing, and moving the sound would only add clicks. */
const toleranceUs = 15_000;

/**
 * Gives sound the time of the picture it belongs to. Before the first sender reports of both streams it goes by
 * arrival; after them by the camera's own wall clock (RFC 3550, 6.4.1).
 */
export class AudioSynchronizer {
  readonly #video: Timeline;
  readonly #timeline = new Timeline(audioClockRate);
  readonly #reports = new Map<"video" | "audio", SenderReport>();
  #ssrc: number | undefined;
  #correctionUs = 0;
  #lastUs = Number.NEGATIVE_INFINITY;

  constructor(video: Timeline) {
    this.#video = video;
  }

  noteSenderReport(kind: "video" | "audio", ntpUs: number, rtpTimestamp: number): void {
    this.#reports.set(kind, { ntpUs, rtpTimestamp });
  }

  /** Strictly rising session time, in microseconds, of one audio packet. */
  toSessionUs(timestamp: number, ssrc: number, arrivalUs: number): number {
    const restarted = this.#ssrc !== undefined && ssrc !== this.#ssrc;
    if (restarted) this.#reports.clear();
    this.#ssrc = ssrc;
    const byArrivalUs = this.#timeline.toSessionUs(timestamp, arrivalUs, restarted);
    const byReportUs = this.#byReports(timestamp);
    if (byReportUs !== undefined && Math.abs(byReportUs - byArrivalUs - this.#correctionUs) > toleranceUs) {
      this.#correctionUs = byReportUs - byArrivalUs;
    }
    this.#lastUs = Math.max(byArrivalUs + this.#correctionUs, this.#lastUs + 1);
    return this.#lastUs;
  }

  #byReports(timestamp: number): number | undefined {
    const video = this.#reports.get("video");
    const audio = this.#reports.get("audio");
    if (video === undefined || audio === undefined) return undefined;
    const ntpUs = audio.ntpUs + (((timestamp - audio.rtpTimestamp) | 0) * 1_000_000) / audioClockRate;
    const ticks = Math.round(((ntpUs - video.ntpUs) * videoClockRate) / 1_000_000);
    return this.#video.peekUs((video.rtpTimestamp + ticks) >>> 0);
  }
}

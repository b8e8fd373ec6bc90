import type { AudioUnit, VideoUnit } from "../../domain/media.ts";
import type { Report } from "../../domain/status.ts";
import { nowUs } from "../../lib/clock.ts";
import { watchForStall } from "../../lib/stall.ts";
import { PictureHold } from "../../media/hold.ts";
import type { Hub } from "../../media/hub.ts";
import { SegmentAlignment } from "../../media/segment-alignment.ts";

export interface ProgramOptions {
  readonly hub: Hub;
  /** Longest time to hold the last picture, milliseconds; 0: not at all. */
  readonly holdMs: number;
  /** Asks for an IDR: the picture goes on with one. */
  readonly requestKeyframe: () => void;
  /** Whether the camera's pictures come: then it is not the camera that is away. */
  readonly cameraSends: () => boolean;
  readonly report: Report;
}

/** Longer than any jitter and than the wait for a lost packet; and never less than some frames. */
const awayMs = 500;
const awayFrames = 3;
/**
 * What is held goes out this late. A camera's IDR picture is larger than others and longer on its way: it would be in
 * the past of a hold that is always up to date.
 */
const lateUs = 250_000;

/**
 * What the viewers see, as one stream whose clock never stops: the pictures that are published, and while none come,
 * the last one. Goes on with the next IDR, so that an ingest's segments keep their length. Pictures that come later than what was sent, as held and encoded ones make
 * it happen, are moved behind it.
 */
export class Program implements Disposable {
  readonly #options: ProgramOptions;
  readonly #hold = new PictureHold();
  readonly #alignment = new SegmentAlignment();
  #stall: ReturnType<typeof watchForStall> | undefined;
  #holdTimer: NodeJS.Timeout | undefined;
  #heldSinceUs = 0;

  constructor(options: ProgramOptions) {
    this.#options = options;
  }

  get isHolding(): boolean {
    return this.#holdTimer !== undefined;
  }

  /** When the newest picture is decoded, microseconds. */
  get lastUs(): number {
    return this.#hold.lastUs;
  }

  /** Copies of the camera's pictures since the last IDR, at its own times; none while one is held. */
  get gop(): readonly VideoUnit[] {
    if (this.isHolding) return [];
    const pictures = this.#options.hub.gop.filter((unit) => unit.kind === "video");
    return pictures.map((unit) => this.#alignment.original(unit));
  }

  /** Never blocks and never throws. */
  publish(unit: VideoUnit): void {
    const { hub, requestKeyframe } = this.#options;
    if (this.isHolding) {
      if (!unit.keyframe) return requestKeyframe();
      this.#goOnWith(unit);
    }
    const shown = after(this.#alignment.video(unit), this.lastUs);
    if (this.#alignment.isOverdue(shown)) requestKeyframe();
    hub.publish(shown);
    this.#hold.note(shown);
    this.#watch(shown);
  }

  /** Publishes sound of the camera at the time of its picture. Never blocks and never throws. */
  publishSound(unit: AudioUnit): void {
    this.#options.hub.publish(this.#alignment.audio(unit));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#holdTimer);
    this.#holdTimer = undefined;
    this.#stall?.[Symbol.dispose]();
  }

  #watch(unit: VideoUnit): void {
    if (this.#stall !== undefined && !unit.keyframe) return this.#stall.beat();
    this.#stall?.[Symbol.dispose]();
    const limitMs = Math.max(awayMs, (this.#hold.frameUs * awayFrames) / 1000);
    this.#stall = watchForStall(limitMs, () => this.#beginHold());
  }

  #beginHold(): void {
    this.#stall = undefined;
    this.#alignment.interrupt();
    const { hub, holdMs, report } = this.#options;
    if (holdMs === 0) return;
    const idr = hub.keyframe;
    if (idr === undefined) {
      const text = "The picture cannot be held: there is no IDR picture to hold it with.";
      report({ type: "notice", part: "hold", severity: "warning", text });
      return;
    }
    const limited = this.#hold.begin(idr);
    this.#heldSinceUs = nowUs();
    this.#holdTimer = setInterval(() => this.#giveHeld(), Math.max(5, this.#hold.frameUs / 1000));
    const how = limited === undefined ? "" : ` It is shown once a second only: ${limited}.`;
    const what = this.#options.cameraSends()
      ? "The encoder gives no picture; the"
      : "The camera is away; its";
    report({ type: "hold", holding: true, reason: `${what} last picture goes on.${how}` });
  }

  #giveHeld(): void {
    const { hub, holdMs, report } = this.#options;
    const now = nowUs();
    this.#giveUntil(now - lateUs);
    if (now - this.#heldSinceUs < holdMs * 1000) return;
    const minutes = Math.round(holdMs / 6000) / 10;
    this.#endHold(`No picture came for ${minutes} min.`);
    const text = `No picture came for ${minutes} min: the broadcast is ended, and begins anew with the next one.`;
    report({ type: "notice", part: "hold", severity: "warning", text });
    hub.end();
    this.#alignment.reset();
  }

  /** Ends the hold with the camera's IDR, and fills what is left before it. */
  #goOnWith(idr: VideoUnit): void {
    const halfFrameUs = this.#hold.frameUs / 2;
    this.#giveUntil(idr.dtsUs - halfFrameUs);
    this.#alignment.resume(idr.dtsUs, this.#hold.segmentEndUs);
    this.#giveUntil(this.#alignment.video(idr).dtsUs - halfFrameUs);
    this.#endHold("The picture is back.");
  }

  #giveUntil(untilUs: number): void {
    for (const unit of this.#hold.take(untilUs, nowUs())) this.#options.hub.publish(unit);
  }

  #endHold(reason: string): void {
    clearInterval(this.#holdTimer);
    this.#holdTimer = undefined;
    this.#options.report({ type: "hold", holding: false, reason });
  }
}

/** The picture at its own time, or just behind the last one where that would be back in time. */
function after(unit: VideoUnit, lastUs: number): VideoUnit {
  if (unit.dtsUs > lastUs) return unit;
  const dtsUs = lastUs + 1;
  return { ...unit, dtsUs, ptsUs: Math.max(unit.ptsUs, dtsUs) };
}

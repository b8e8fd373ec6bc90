import type { CameraAbility, StreamSettings } from "../../domain/camera.ts";
import type { Source, VideoUnit } from "../../domain/media.ts";
import type { Report } from "../../domain/status.ts";
import type { TranscodeTarget, Verdict } from "../../domain/verdict.ts";
import { nowUs } from "../../lib/clock.ts";
import type { DestinationRules } from "../../media/destination-rules.ts";
import { RollingMeter } from "../../media/measurement.ts";
import type { Measurement } from "../../media/measurement.ts";
import { idrIntervalOf, judge, targetOf } from "../../media/verdict.ts";
import type { EncoderSettings } from "./encoder-settings.ts";
import { Remedies } from "./remedies.ts";
import type { Step } from "./remedies.ts";

export interface CameraCareOptions {
  readonly source: Source;
  readonly encoder: Pick<EncoderSettings, "isControllable" | "want">;
  readonly rules: () => DestinationRules;
  /** Seconds between two IDR pictures that are wanted. */
  readonly idrSeconds: () => number;
  /** Whether a track of sound goes with the picture. */
  readonly audio: boolean;
  /** Whether the picture may be encoded anew. */
  readonly canTranscode: boolean;
  /** The picture is to be encoded anew, or (undefined) passed on as it is. */
  readonly setTranscode: (target: TranscodeTarget | undefined) => void;
  readonly report: Report;
}

const judgeMs = 1000;
/** Before this much was measured, seconds, a verdict would say nothing. */
const enoughSeconds = 1.5;
const longestLook = 4.5;
/** A frame rate that differs by more than this is worth another IDR interval. */
const fpsTolerance = 0.05;
const abilities: readonly CameraAbility[] = ["bitrate", "idr"];

/** Judges what the camera sends while it sends it, and takes one remedy after the other until it fits. */
export class CameraCare implements Disposable {
  readonly #options: CameraCareOptions;
  readonly #meter = new RollingMeter();
  readonly #timer: NodeJS.Timeout;
  #remedies = new Remedies(nowUs());
  #running = false;
  #requestTimer: NodeJS.Timeout | undefined;
  #idrInterval = 0;
  /** Whatever is wanted: what the destinations were found to need. */
  #mostIdrSeconds = Infinity;
  /** For whose rules the picture is encoded anew; undefined while it is not. */
  #encodedFor: string | undefined;
  /** Pictures have come since the last verdict. */
  #hasNews = false;
  #told = "";

  constructor(options: CameraCareOptions) {
    this.#options = options;
    this.#askIdrInterval(0);
    this.#timer = setInterval(() => this.#judge(), judgeMs);
  }

  /** The camera has begun, or begun again. */
  begin(): void {
    this.#running = true;
    this.#meter.reset();
    this.#remedies.restart(nowUs());
  }

  /** The camera is away: there is nothing to judge. */
  pause(): void {
    this.#running = false;
  }

  add(unit: VideoUnit): void {
    this.#meter.add(unit);
    this.#hasNews = true;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    clearInterval(this.#requestTimer);
  }

  #judge(): void {
    if (!this.#running || !this.#hasNews) return;
    this.#hasNews = false;
    const now = nowUs();
    const { rules, report } = this.#options;
    const measurement = this.#meter.read();
    if (measurement.seconds < enoughSeconds) return;
    this.#followFrameRate(measurement);
    const verdict = judge(measurement, rules(), {
      can: new Set(this.#options.encoder.isControllable ? abilities : []),
      audio: this.#options.audio,
    });
    if (verdict.kind === "copy" && !showsSpacing(measurement, rules())) return;
    if (this.#isNews(verdict)) report({ type: "verdict", verdict });
    const target = targetOf(measurement, rules());
    this.#take(this.#remedies.next(verdict, target, now));
    if (this.#encodedFor !== undefined && this.#encodedFor !== rules().name) this.#encode(target);
  }

  #take(step: Step): void {
    const { source, idrSeconds, setTranscode } = this.#options;
    switch (step.kind) {
      case "wait":
        return;
      case "confirm":
        return this.#meter.reset();
      case "copy":
        if (step.cured) this.#tell("The camera's stream fits now, and is passed on as it is.");
        this.#encodedFor = undefined;
        return setTranscode(undefined);
      case "ask":
        this.#want(step.settings);
        this.#tell(step.text);
        return this.#meter.reset();
      case "insist":
        this.#want(step.settings);
        source.requestKeyframe();
        this.#requestTimer ??= setInterval(() => source.requestKeyframe(), idrSeconds() * 1000);
        this.#tell(step.text);
        return this.#meter.reset();
      case "transcode":
        if (!this.#options.canTranscode)
          return this.#tell(`${step.text}, and encoding it anew is not allowed: it goes on as it is.`);
        this.#tell(`${step.text}: the picture is encoded anew.`);
        this.#encode(step.target);
    }
  }

  #encode(target: TranscodeTarget): void {
    this.#encodedFor = this.#options.rules().name;
    this.#options.setTranscode(target);
  }

  /** IDR pictures that are wanted more often than the destinations need them stay so. */
  #want({ idrInterval, ...others }: StreamSettings): void {
    const { encoder, rules } = this.#options;
    if (idrInterval === undefined) return encoder.want(others);
    this.#mostIdrSeconds = rules().idrSeconds;
    this.#idrInterval = Math.min(this.#idrInterval, idrInterval);
    encoder.want({ ...others, idrInterval: this.#idrInterval });
  }

  /** The camera counts IDR pictures in frames, and only its pictures tell how many those are a second. */
  #followFrameRate({ fps, seconds }: Measurement): void {
    if (seconds >= enoughSeconds * 2) this.#askIdrInterval(fps);
  }

  /** `fps`: 0 where it is not known yet. */
  #askIdrInterval(fps: number): void {
    const { encoder, idrSeconds } = this.#options;
    const interval = idrIntervalOf(Math.min(idrSeconds(), this.#mostIdrSeconds), fps);
    if (Math.abs(interval - this.#idrInterval) <= this.#idrInterval * fpsTolerance) return;
    this.#idrInterval = interval;
    encoder.want({ idrInterval: interval });
  }

  #isNews(verdict: Verdict): boolean {
    const broken = verdict.findings.filter(({ remedy }) => remedy !== undefined).map(({ rule }) => rule);
    const key = [verdict.destination, verdict.kind, ...broken].join(" ");
    const news = key !== this.#told;
    this.#told = key;
    return news;
  }

  #tell(text: string): void {
    this.#options.report({ type: "notice", part: "camera", severity: "warning", text });
  }
}

/** Whether a stretch can show that IDR pictures come in time: one alone in the middle of it says nothing of the next. */
function showsSpacing({ seconds, idr }: Measurement, { mostIdrSeconds }: DestinationRules): boolean {
  return idr.count > 1 && seconds >= Math.min(mostIdrSeconds + 0.5, longestLook);
}

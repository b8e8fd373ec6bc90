import type { StreamSettings } from "../../domain/camera.ts";
import type { TranscodeTarget, Verdict } from "../../domain/verdict.ts";

/** What is to be done about a verdict. */
export type Step =
  | { readonly kind: "wait" }
  /** What fitted does not any more: measure anew, as it may have been a single mishap. */
  | { readonly kind: "confirm" }
  /** The stream fits; `cured` where it did not before. */
  | { readonly kind: "copy"; readonly cured: boolean }
  | { readonly kind: "ask"; readonly settings: StreamSettings; readonly text: string }
  /** Ask for an IDR every so often from now on, besides `settings`. */
  | { readonly kind: "insist"; readonly settings: StreamSettings; readonly text: string }
  /** `text` lacks what is done now, and the full stop. */
  | { readonly kind: "transcode"; readonly target: TranscodeTarget; readonly text: string };

type Stage = "watching" | "asked" | "insisting" | "transcoding";

/** How long a remedy has to show in the bitstream before the next one is taken, microseconds. */
const verifyUs = 5_000_000;
/** A camera that fits again must do so for this long before it is copied again, microseconds. */
const steadyUs = 15_000_000;

/**
 * Which remedy is next: ask the camera, insist with requests for IDR pictures, transcode. Each is verified in the
 * bitstream before the next; what was asked at the connection counts as the first. Pure: time comes with each verdict.
 */
export class Remedies {
  #stage: Stage = "watching";
  #sinceUs: number;
  #fitsSinceUs: number | undefined;
  #hasFitted = false;
  #needsCure = false;

  constructor(nowUs: number) {
    this.#sinceUs = nowUs;
  }

  /** The camera begins anew: it gets its time to show what it sends. What was found out about it stays. */
  restart(nowUs: number): void {
    this.#sinceUs = nowUs;
    this.#fitsSinceUs = undefined;
  }

  next(verdict: Verdict, target: TranscodeTarget, nowUs: number): Step {
    if (verdict.kind === "copy") return this.#fits(nowUs);
    this.#fitsSinceUs = undefined;
    if (this.#hasFitted) {
      this.#hasFitted = false;
      this.#sinceUs = nowUs;
      return { kind: "confirm" };
    }
    if (nowUs - this.#sinceUs < verifyUs || this.#stage === "transcoding") return { kind: "wait" };
    const broken = verdict.findings.filter(({ remedy }) => remedy === "camera" || remedy === "transcode");
    const why = broken.map(({ text }) => text).join(" ");
    const settings = verdict.kind === "ask-camera" ? verdict.ask : {};
    const onlyIdr = broken.every(({ rule }) => rule === "idr-spacing");
    if (this.#stage === "watching" && verdict.kind === "ask-camera" && !onlyIdr) {
      this.#enter("asked", nowUs);
      return { kind: "ask", settings, text: `${why} The camera is asked for less.` };
    }
    if ((this.#stage === "watching" || this.#stage === "asked") && this.#isIdrBroken(verdict)) {
      this.#enter("insisting", nowUs);
      const { idrInterval } = settings;
      const both = idrInterval === undefined ? settings : { ...settings, refreshInterval: idrInterval };
      return { kind: "insist", settings: both, text: `${why} The camera is asked for one again and again.` };
    }
    const asked =
      this.#stage === "watching"
        ? "The camera cannot be asked for that"
        : "Nothing that the camera was asked for has helped";
    this.#enter("transcoding", nowUs);
    return {
      kind: "transcode",
      target: verdict.kind === "transcode" ? verdict.target : target,
      text: `${why} ${asked}`,
    };
  }

  #fits(nowUs: number): Step {
    this.#fitsSinceUs ??= nowUs;
    const neededUs = this.#stage === "transcoding" ? steadyUs : 0;
    const isDue = nowUs - this.#sinceUs >= verifyUs && nowUs - this.#fitsSinceUs >= neededUs;
    if (this.#stage !== "watching" && !isDue) return { kind: "wait" };
    this.#hasFitted = true;
    const cured = this.#needsCure;
    this.#needsCure = false;
    // Whoever had to insist goes on insisting: the camera gives IDR pictures because it is asked for them.
    if (this.#stage !== "insisting") this.#stage = "watching";
    return { kind: "copy", cured };
  }

  #isIdrBroken({ findings }: Verdict): boolean {
    return findings.some(({ rule, remedy }) => rule === "idr-spacing" && remedy !== undefined);
  }

  #enter(stage: Stage, nowUs: number): void {
    this.#stage = stage;
    this.#sinceUs = nowUs;
    this.#needsCure = true;
  }
}

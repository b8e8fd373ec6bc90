import type { StreamSettings } from "./camera.ts";

/** What is looked at when a stream is judged for a destination. */
export type Rule =
  | "codec"
  | "profile"
  | "level"
  | "size"
  | "frame-rate"
  | "bit-rate"
  | "idr-spacing"
  | "b-frames"
  | "parameter-sets"
  | "audio";

/** Who can put a broken rule right. `configuration`: nobody but a person. */
export type Remedy = "camera" | "transcode" | "configuration";

/** One rule, and whether the stream keeps it. */
export interface Finding {
  readonly rule: Rule;
  /** Present where the rule is broken. */
  readonly remedy?: Remedy;
  /** What was expected and what was got, in one sentence. */
  readonly text: string;
}

/** What a transcoded stream is to be. */
export interface TranscodeTarget {
  /** Luma samples; absent where the camera's own size is kept. */
  readonly width?: number;
  readonly height?: number;
  /** Most frames per second; absent where the camera's own rate is kept. */
  readonly fps?: number;
  readonly bitsPerSecond: number;
  /** Seconds between two IDR pictures. */
  readonly idrSeconds: number;
  readonly profile: "constrained-baseline" | "main" | "high";
}

/**
 * Whether a stream can be passed on as it is: `copy`; or when its camera changes something: `ask-camera`; or only
 * decoded and encoded anew: `transcode`. The findings say why, one for each rule.
 */
export type Verdict = {
  /** The destinations' rules it was judged by: `Twitch`. */
  readonly destination: string;
  readonly findings: readonly Finding[];
} & (
  | { readonly kind: "copy" }
  | { readonly kind: "ask-camera"; readonly ask: StreamSettings }
  | { readonly kind: "transcode"; readonly target: TranscodeTarget }
);

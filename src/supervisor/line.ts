import type { CameraControl } from "../domain/camera.ts";
import type { Onlooker } from "../domain/preview.ts";
import type { LineSettings } from "../domain/status.ts";
import type { EncoderOptions } from "./care/encoder-settings.ts";
import type { RateLimits } from "./adapt/rate-range.ts";
import type { SessionParts } from "./session/session.ts";

/** The configured line: its names, how to make its parts for one session, and the hand on its camera. */
export interface Line {
  readonly sourceName: string;
  readonly outputNames: readonly string[];
  /** Makes what one session needs, for the settings of the moment. */
  build(settings: LineSettings): SessionParts;
  /** Absent where the camera cannot be controlled. Works whether or not a session runs. */
  readonly camera?: CameraControl;
  /** Whoever wants to see the camera's pictures also while the line is stopped. */
  readonly onlooker?: Onlooker;
  readonly encoder: EncoderOptions;
  /** Bits per second as configured, without anybody's cap. */
  readonly rate: Omit<RateLimits, "cap">;
  /** Seconds between two IDR pictures that are asked of the camera until somebody sets another. */
  readonly idrSeconds: number;
}

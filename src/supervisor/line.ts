import type { CameraControl } from "../domain/camera.ts";
import type { LineSettings } from "../domain/status.ts";
import type { SessionParts } from "./session.ts";

/** The configured line: its names, how to make its parts for one session, and the hand on its camera. */
export interface Line {
  readonly sourceName: string;
  readonly outputNames: readonly string[];
  /** Makes what one session needs, for the settings of the moment. */
  build(settings: LineSettings): Omit<SessionParts, "report">;
  /** Absent where the camera cannot be controlled. Works whether or not a session runs. */
  readonly camera?: CameraControl;
}

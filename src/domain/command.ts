import type { CameraAction } from "./camera.ts";
import type { FaultSummary } from "./fault.ts";
import type { AudioChoice, Status } from "./status.ts";

/** What can be changed about the line while it runs; an absent field is left as it is. */
export interface LineChange {
  /** Names of the outputs to publish to; the others are ended. At least one, all of them known. */
  readonly destinations?: readonly string[];
  /** Most bits per second asked of the camera; null takes the cap away. */
  readonly bitrateCap?: number | null;
  readonly audio?: AudioChoice;
  /** Seconds between two IDR pictures asked of the camera, 0.5 to 10. */
  readonly idrSeconds?: number;
}

/** What can be asked of spotlive, whoever asks. */
export type Command =
  | { readonly kind: "start" }
  | { readonly kind: "stop" }
  /** Ends the session and begins a new one, if the line is wanted live. */
  | { readonly kind: "restart" }
  | { readonly kind: "status" }
  | { readonly kind: "set"; readonly change: LineChange }
  /** Asks the camera for an IDR now. */
  | { readonly kind: "keyframe" }
  | { readonly kind: "camera"; readonly action: CameraAction }
  /** Keeps the last `seconds` (1 to 300) as a clip. */
  | { readonly kind: "clip"; readonly seconds: number }
  /** The operator's kill switch: chat and MQTT may not move the camera until `unlock`. */
  | { readonly kind: "lock" }
  | { readonly kind: "unlock" };

/** Where a request came in. */
export type Origin = "power-on" | "cli" | "mqtt" | "chat" | "http" | "demo";

/** One request; `id` makes it idempotent, `expiresAt` (microseconds, monotonic) makes a late one harmless. */
export interface CommandRequest {
  readonly id: string;
  readonly command: Command;
  readonly origin: Origin;
  /** Who asked, as the surface knows them: a chat user's name, an HTTP user. Plain text, hostile until shown escaped. */
  readonly by?: string;
  readonly expiresAt?: number;
}

/** What came of a request. The status is the one after it was accepted. */
export type Result =
  | { readonly ok: true; readonly id: string; readonly status: Status }
  | { readonly ok: false; readonly id: string; readonly fault: FaultSummary };

/** Hands a request to the supervisor. Never rejects: a refusal is a `Result`. */
export type Submit = (request: CommandRequest) => Promise<Result>;

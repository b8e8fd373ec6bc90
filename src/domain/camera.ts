/** What can be set on a camera's own encoder; an absent field is left as it is. */
export interface StreamSettings {
  /** Bits per second. */
  readonly targetBitrate?: number;
  /** Frames between two IDR pictures. */
  readonly idrInterval?: number;
  /** Frames over which the picture is refreshed macroblock by macroblock. */
  readonly refreshInterval?: number;
}

/** Where the camera looks: pan 0 to 360 degrees clockwise, tilt in degrees above the horizon, zoom as a factor from 1. */
export interface CameraPosition {
  readonly pan: number;
  readonly tilt: number;
  readonly zoom: number;
}

/** One thing that a camera can be asked to do. Every move is small and bounded: there is no "go on until told". */
export type CameraAction =
  /** Moves by so many degrees, and multiplies the zoom (1 leaves it as it is). */
  | { readonly kind: "look"; readonly pan: number; readonly tilt: number; readonly zoom: number }
  /** Goes to a position; an absent field is left as it is. */
  | { readonly kind: "goto"; readonly position: Partial<CameraPosition> }
  /** Goes to a position that has a name in the configuration. */
  | { readonly kind: "preset"; readonly name: string }
  /** Shows a screen of the compositor. */
  | { readonly kind: "screen"; readonly name: string }
  /** Sets all lights; 0 is off, 1 full. */
  | { readonly kind: "lights"; readonly brightness: number };

export type CameraAbility = "bitrate" | "idr" | "ptz" | "screens" | "lights";

/** What is known about a camera that can be controlled; absent until it was read. */
export interface CameraState {
  readonly can: readonly CameraAbility[];
  readonly position?: CameraPosition;
  readonly screens?: readonly string[];
  readonly screen?: string;
  readonly presets: readonly string[];
  readonly lights?: number;
}

/**
 * What can be asked of a camera, if it can; the supervisor and every surface know only this. All reject with a `Fault`:
 * `not-supported` where the camera cannot, `usage` for a name it does not know, and what reaching it can throw.
 */
export interface CameraControl {
  readonly can: ReadonlySet<CameraAbility>;
  /** Reads everything once; also a cheap test whether the camera can be reached. */
  read(signal: AbortSignal): Promise<CameraState>;
  /** What the encoder is set to. */
  readStream(signal: AbortSignal): Promise<StreamSettings>;
  /** Sets what is given, leaves the rest, and gives what the camera says it does now. */
  setStream(settings: StreamSettings, signal: AbortSignal): Promise<StreamSettings>;
  /** Lets the camera change its bit rate by itself, or not: two that steer one encoder fight. */
  setCongestionControl(on: boolean, signal: AbortSignal): Promise<void>;
  /** Carries out one action and gives the state after it. */
  act(action: CameraAction, signal: AbortSignal): Promise<CameraState>;
}

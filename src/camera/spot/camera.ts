import type { CameraControl, CameraPosition } from "../../domain/camera.ts";
import type { Secret } from "../../domain/secret.ts";
import type { Source } from "../../domain/media.ts";
import { createSpotControl } from "./control.ts";
import { createSpotSource } from "./source.ts";
import type { SpotOptions } from "./source.ts";
import { TokenKeeper } from "./token.ts";
import type { RobotLogin } from "./token.ts";

export interface SpotCameraOptions extends Omit<SpotOptions, "tokens" | "audio"> {
  readonly login: RobotLogin;
  /** Called with each new token before it is used. */
  readonly onToken: (token: Secret) => void;
  /** Positions by name. */
  readonly presets: Readonly<Record<string, Partial<CameraPosition>>>;
}

/** A Spot's camera: what each session receives from and the hand on it, with one login for both. */
export interface SpotCamera {
  createSource(audio: boolean): Required<Source>;
  readonly control: CameraControl;
}

export function createSpotCamera({ login, onToken, presets, ...options }: SpotCameraOptions): SpotCamera {
  const tokens = new TokenKeeper(login, onToken);
  return {
    createSource: (audio) => createSpotSource({ ...options, tokens, audio }),
    control: createSpotControl({ robot: options.robot, tokens, presets }),
  };
}

import { loadSync } from "@grpc/proto-loader";
import type {
  EmptyRequest,
  EmptyResponse,
  EnableCongestionControlRequest,
  GetAuthTokenRequest,
  GetAuthTokenResponse,
  GetLedBrightnessResponse,
  GetPayloadAuthTokenRequest,
  GetPtzPositionRequest,
  GetServiceEntryRequest,
  GetServiceEntryResponse,
  ListPtzResponse,
  ListScreensResponse,
  ListServiceEntriesResponse,
  PtzPositionResponse,
  RegisterPayloadRequest,
  RegisterPayloadResponse,
  RobotIdResponse,
  ScreenResponse,
  Sent,
  SetLedBrightnessRequest,
  SetPtzPositionRequest,
  SetScreenRequest,
  SetStreamParamsRequest,
  StreamParamsResponse,
  Timestamp,
} from "../domain/spot/messages.ts";
import { productFile } from "./product-files.ts";

/**
 * One call of one service: its HTTP/2 path and the four translations between messages and bytes.
 * The deserialisers throw on bytes that are not the message.
 */
export interface UnaryMethod<Request, Response> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (message: Sent<Request>) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => Request;
  readonly responseSerialize: (message: Sent<Response>) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

const loaded = loadSync(
  [
    "auth.proto",
    "directory.proto",
    "payload_registration.proto",
    "robot_id.proto",
    "stream_quality.proto",
    "ptz.proto",
    "compositor.proto",
    "lighting.proto",
  ],
  {
    includeDirs: [productFile("src/domain/spot")],
    defaults: true,
    longs: Number,
    enums: Number,
  },
);

/** The loader's answer has no types; the test vectors hold the ones given below to it. */
function loadService(name: string): unknown {
  return loaded[name];
}

/** The services by method name, as `Server.addService` takes them; a client takes one method's path and translations. */
export const authService = loadService("bosdyn.api.AuthService") as {
  readonly GetAuthToken: UnaryMethod<GetAuthTokenRequest, GetAuthTokenResponse>;
};

export const directoryService = loadService("bosdyn.api.DirectoryService") as {
  readonly GetServiceEntry: UnaryMethod<GetServiceEntryRequest, GetServiceEntryResponse>;
  readonly ListServiceEntries: UnaryMethod<EmptyRequest, ListServiceEntriesResponse>;
};

export const payloadRegistrationService = loadService("bosdyn.api.PayloadRegistrationService") as {
  readonly RegisterPayload: UnaryMethod<RegisterPayloadRequest, RegisterPayloadResponse>;
  readonly GetPayloadAuthToken: UnaryMethod<GetPayloadAuthTokenRequest, GetAuthTokenResponse>;
};

export const robotIdService = loadService("bosdyn.api.RobotIdService") as {
  readonly GetRobotId: UnaryMethod<EmptyRequest, RobotIdResponse>;
};

export const streamQualityService = loadService("bosdyn.api.spot_cam.StreamQualityService") as {
  readonly SetStreamParams: UnaryMethod<SetStreamParamsRequest, StreamParamsResponse>;
  readonly GetStreamParams: UnaryMethod<EmptyRequest, StreamParamsResponse>;
  readonly EnableCongestionControl: UnaryMethod<EnableCongestionControlRequest, EmptyResponse>;
};

export const ptzService = loadService("bosdyn.api.spot_cam.PtzService") as {
  readonly ListPtz: UnaryMethod<EmptyRequest, ListPtzResponse>;
  readonly GetPtzPosition: UnaryMethod<GetPtzPositionRequest, PtzPositionResponse>;
  readonly SetPtzPosition: UnaryMethod<SetPtzPositionRequest, PtzPositionResponse>;
};

export const compositorService = loadService("bosdyn.api.spot_cam.CompositorService") as {
  readonly SetScreen: UnaryMethod<SetScreenRequest, ScreenResponse>;
  readonly GetScreen: UnaryMethod<EmptyRequest, ScreenResponse>;
  readonly ListScreens: UnaryMethod<EmptyRequest, ListScreensResponse>;
};

export const lightingService = loadService("bosdyn.api.spot_cam.LightingService") as {
  readonly SetLEDBrightness: UnaryMethod<SetLedBrightnessRequest, EmptyResponse>;
  readonly GetLEDBrightness: UnaryMethod<EmptyRequest, GetLedBrightnessResponse>;
};

/** The HTTP/2 `:authority` of the services that have a fixed one; all others are read from the directory. */
export const fixedAuthorities = {
  auth: "auth.spot.robot",
  directory: "api.spot.robot",
  payloadRegistration: "payload-registration.spot.robot",
  robotId: "id.spot.robot",
} as const;

/** The names under which the directory lists the camera's services. */
export const directoryNames = {
  streamQuality: "spot-cam-stream-quality",
  ptz: "spot-cam-ptz",
  compositor: "spot-cam-compositor",
  lighting: "spot-cam-lighting",
} as const;

/** `header.error.code` of every good answer; a client takes 0 as a failure. */
export const commonErrorCode = { ok: 1, internalServerError: 2, invalidRequest: 3 } as const;

/** `GetAuthTokenResponse.status`. */
export const authStatus = { ok: 1, invalidLogin: 2, invalidToken: 3, temporarilyLockedOut: 4 } as const;

/** `GetServiceEntryResponse.status`. */
export const serviceEntryStatus = { ok: 1, nonexistentService: 2 } as const;

/** `RegisterPayloadResponse.status`; that it exists already is as good as done. */
export const registerPayloadStatus = { ok: 1, alreadyExists: 2 } as const;

/** `GetPayloadAuthTokenResponse.status`. */
export const payloadAuthStatus = { ok: 1, invalidCredentials: 2, payloadNotAuthorized: 3 } as const;

/** `StreamParams.AwbModeEnum`. */
export const awbMode = { off: 0, auto: 1 } as const;

/** The full authority for one from the directory, where a bare label `x` means `x.spot.robot`. */
export function fullAuthority(authority: string): string {
  return authority.includes(".") ? authority : `${authority}.spot.robot`;
}

/** A time of day, in milliseconds since 1970, as the robot's messages carry it. */
export function timestamp(milliseconds: number): Timestamp {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanos: Math.round((milliseconds - seconds * 1000) * 1_000_000) };
}

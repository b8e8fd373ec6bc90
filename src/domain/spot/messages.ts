/**
 * The messages of the robot's services as they are received: every number, text and list is there, an absent message
 * is `null`. Names are the camel-case forms of those in the .proto files beside this one; enumerations are numbers.
 */

/** A message as it is sent: whatever is left out is absent on the wire. */
export type Sent<Message> = Message extends readonly (infer Item)[]
  ? readonly Sent<Item>[]
  : Message extends object
    ? { readonly [Field in keyof Message]?: Sent<Message[Field]> | undefined }
    : Message;

/** Seconds since 1970 and nanoseconds, by the sender's clock. */
export interface Timestamp {
  readonly seconds: number;
  readonly nanos: number;
}

/** A number that can be absent: a request sets only what is there. */
export interface WrappedNumber {
  readonly value: number;
}

export interface RequestHeader {
  readonly requestTimestamp: Timestamp | null;
  readonly clientName: string;
}

export interface ResponseHeader {
  readonly requestHeader: RequestHeader | null;
  readonly requestReceivedTimestamp: Timestamp | null;
  readonly responseTimestamp: Timestamp | null;
  readonly error: { readonly code: number; readonly message: string } | null;
}

/** A request or a response that holds nothing but its header. */
export interface OnlyHeader<Header> {
  readonly header: Header | null;
}

export type EmptyRequest = OnlyHeader<RequestHeader>;
export type EmptyResponse = OnlyHeader<ResponseHeader>;

export interface GetAuthTokenRequest extends EmptyRequest {
  readonly username: string;
  readonly password: string;
  readonly token: string;
}

/** Also the answer of the payload registration's `GetPayloadAuthToken`, with other status numbers. */
export interface GetAuthTokenResponse extends EmptyResponse {
  readonly status: number;
  readonly token: string;
}

export interface ServiceEntry {
  readonly name: string;
  readonly type?: string;
  readonly authority: string;
  readonly lastUpdate: Timestamp | null;
  readonly userTokenRequired: boolean;
  readonly permissionRequired: string;
  readonly livenessTimeoutSecs: number;
  readonly hostPayloadGuid: string;
}

export interface GetServiceEntryRequest extends EmptyRequest {
  readonly serviceName: string;
}

export interface GetServiceEntryResponse extends EmptyResponse {
  readonly status: number;
  readonly serviceEntry: ServiceEntry | null;
}

export interface ListServiceEntriesResponse extends EmptyResponse {
  readonly serviceEntries: readonly ServiceEntry[];
}

export interface RegisterPayloadRequest extends EmptyRequest {
  readonly payload: { readonly GUID: string; readonly name: string; readonly description: string } | null;
  readonly payloadSecret: string;
}

export interface RegisterPayloadResponse extends EmptyResponse {
  readonly status: number;
}

export interface GetPayloadAuthTokenRequest extends EmptyRequest {
  readonly payloadGuid: string;
  readonly payloadSecret: string;
  readonly payloadCredentials: { readonly guid: string; readonly secret: string } | null;
}

export interface SoftwareVersion {
  readonly majorVersion: number;
  readonly minorVersion: number;
  readonly patchLevel: number;
}

export interface RobotId {
  readonly serialNumber: string;
  readonly species: string;
  readonly version: string;
  readonly softwareRelease: { readonly version: SoftwareVersion | null; readonly name: string } | null;
  readonly nickname: string;
  readonly computerSerialNumber: string;
}

export interface RobotIdResponse extends EmptyResponse {
  readonly robotId: RobotId | null;
}

export interface StreamParams {
  /** Bits per second. */
  readonly targetbitrate: WrappedNumber | null;
  /** Frames in which every macroblock is refreshed once. */
  readonly refreshinterval: WrappedNumber | null;
  /** Frames from one IDR picture to the next. */
  readonly idrinterval: WrappedNumber | null;
  readonly awb: { readonly awb: number } | null;
  readonly autoExposure?: object;
  readonly syncExposure?: { readonly brightnessTarget: WrappedNumber | null };
  readonly manualExposure?: { readonly exposure: Timestamp | null; readonly gain: WrappedNumber | null };
}

export interface SetStreamParamsRequest extends EmptyRequest {
  readonly params: StreamParams | null;
}

/** Answer to get and to set: what the camera now uses. */
export interface StreamParamsResponse extends EmptyResponse {
  readonly params: StreamParams | null;
}

export interface EnableCongestionControlRequest extends EmptyRequest {
  readonly enableCongestionControl: boolean;
}

export interface PtzLimits {
  readonly min: WrappedNumber | null;
  readonly max: WrappedNumber | null;
}

export interface PtzDescription {
  readonly name: string;
  readonly panLimit: PtzLimits | null;
  readonly tiltLimit: PtzLimits | null;
  readonly zoomLimit: PtzLimits | null;
}

/** Pan and tilt in degrees, zoom as a factor. */
export interface PtzPosition {
  readonly ptz: PtzDescription | null;
  readonly pan: WrappedNumber | null;
  readonly tilt: WrappedNumber | null;
  readonly zoom: WrappedNumber | null;
}

export interface ListPtzResponse extends EmptyResponse {
  readonly ptzs: readonly PtzDescription[];
}

export interface GetPtzPositionRequest extends EmptyRequest {
  readonly ptz: PtzDescription | null;
}

export interface SetPtzPositionRequest extends EmptyRequest {
  readonly position: PtzPosition | null;
}

/** Answer to get and to set: where the camera looks, or is going to look. */
export interface PtzPositionResponse extends EmptyResponse {
  readonly position: PtzPosition | null;
}

export interface ListScreensResponse extends EmptyResponse {
  readonly screens: readonly { readonly name: string }[];
}

export interface SetScreenRequest extends EmptyRequest {
  readonly name: string;
}

export interface ScreenResponse extends EmptyResponse {
  readonly name: string;
}

export interface GetLedBrightnessResponse extends EmptyResponse {
  readonly brightnesses: readonly number[];
}

export interface SetLedBrightnessRequest extends EmptyRequest {
  /** Light 0 to 3 to brightness 0 to 1. */
  readonly brightnesses: Readonly<Record<number, number>>;
}

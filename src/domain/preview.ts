import type { VideoUnit } from "./media.ts";

/**
 * The camera's own picture for people in front of a browser: what a viewer and the preview say to each other, whatever
 * carries the words.
 */

/** `live` shows each picture as soon as it is there; `smooth` lets the browser even out the network. */
export type PreviewLatency = "live" | "smooth";
/** How pictures reach the viewer: by WebRTC, or as access units over the connection that the words use. */
export type PreviewTransport = "webrtc" | "websocket";

/** An ICE candidate as a browser writes it (RTCIceCandidateInit). */
export interface ViewerCandidate {
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number | null;
}

/** What a viewer says. `id` is the number of the offer that it speaks of. */
export type ViewerRequest =
  | { readonly type: "watch"; readonly latency: PreviewLatency; readonly transport: PreviewTransport }
  | { readonly type: "answer"; readonly id: number; readonly sdp: string }
  /** Null: there are no more. */
  | { readonly type: "candidate"; readonly id: number; readonly candidate: ViewerCandidate | null }
  /** No picture came of that offer. */
  | { readonly type: "failed"; readonly id: number; readonly reason: string };

/** Whether pictures come: from the camera, not for the moment, or not at all as nothing runs. */
export type PreviewSourceState = "running" | "away" | "idle";

export type PreviewRefusal = "too-many-viewers" | "no-webrtc";

/** What the preview says. */
export type PreviewMessage =
  | { readonly type: "offer"; readonly id: number; readonly sdp: string; readonly iceServers: readonly [] }
  /** What the frames that follow are: the codec as WebCodecs names it, the picture's size in pixels. */
  | { readonly type: "format"; readonly codec: string; readonly width: number; readonly height: number }
  | { readonly type: "source"; readonly state: PreviewSourceState; readonly text: string }
  | { readonly type: "refused"; readonly code: PreviewRefusal; readonly text: string };

/** One viewer's end of the connection. None of it throws or waits. */
export interface PreviewViewer {
  /** The addresses of both ends, without `::ffff:`. */
  readonly peerAddress: string;
  readonly localAddress: string;
  /** A proxy stands between: the addresses are the proxy's, and only what goes over this connection arrives. */
  readonly isProxied: boolean;
  send(message: PreviewMessage): void;
  /** `frame`: a header of 16 bytes and one access unit (docs/http.md). */
  sendFrame(frame: Uint8Array): void;
  /** Bytes that were handed over and have not left this process. */
  readonly waitingBytes: number;
  close(code: number, reason: string): void;
}

/** A viewer's place. Disposal gives it up; the viewer is not closed by that. */
export interface PreviewSeat extends Disposable {
  receive(request: ViewerRequest): void;
}

export interface PreviewCounters {
  readonly viewers: number;
  /** Pictures that were not sent to a viewer whose connection is too slow, all viewers together. */
  readonly droppedPictures: number;
  /** Packets that were sent again as a viewer had lost them. */
  readonly repeatedPackets: number;
  /** Keyframes that were asked of the camera for a viewer. */
  readonly keyframeRequests: number;
}

export interface Preview {
  /** Takes a viewer in, or refuses and closes it: then undefined. */
  join(viewer: PreviewViewer): PreviewSeat | undefined;
  readonly counters: PreviewCounters;
}

/** What of a session's camera an onlooker may use. */
export interface WatchedCamera {
  requestKeyframe(): void;
}

/** One session that is looked on at. Disposal says that it is over. */
export interface Attendance extends Disposable {
  /** One of the camera's own pictures, as it comes. Never throws, never waits. */
  show(unit: VideoUnit): void;
}

/**
 * Somebody who sees the camera's own pictures, whatever the line then does with them. No output: it counts neither as
 * a destination nor for the state of the line.
 */
export interface Onlooker {
  attend(camera: WatchedCamera): Attendance;
  /** Somebody looks, or did a moment ago: pictures are wanted, whether or not the line runs. */
  readonly isWanted: boolean;
  /** Has `listener` called each time that `isWanted` changes. */
  onWish(listener: () => void): void;
}

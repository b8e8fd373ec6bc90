/** Whose rules a stream must keep; `generic`: what any RTMP server passes on, `webrtc`: what browsers decode by WebRTC. */
export type DestinationKind = "twitch" | "youtube" | "generic" | "webrtc";

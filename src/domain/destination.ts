/** Whose rules a stream must keep; `generic`: what any RTMP server passes on. */
export type DestinationKind = "twitch" | "youtube" | "generic";

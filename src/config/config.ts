import type { CameraPosition } from "../domain/camera.ts";
import type { DestinationKind } from "../domain/destination.ts";
import type { Secret } from "../domain/secret.ts";

/** Whose TLS certificate is believed. `system`: this machine's list of authorities. */
export type Trust =
  | { readonly kind: "system" }
  | { readonly kind: "ca"; readonly file: string }
  /** SHA-256, 64 small hexadecimal digits. */
  | { readonly kind: "fingerprint"; readonly sha256: string }
  | { readonly kind: "insecure" };

/** How spotlive shows the robot who it is. */
export type SpotLogin =
  | { readonly kind: "password"; readonly username: string; readonly password: Secret }
  | { readonly kind: "payload"; readonly guid: string; readonly secret: Secret };

export interface SpotConfig {
  readonly kind: "spot";
  readonly host: string;
  readonly port: number;
  readonly cameraHost: string;
  readonly cameraPort: number;
  /** The network interface that leads to both; undefined: whichever the routes say. */
  readonly interface: string | undefined;
  readonly login: SpotLogin;
  readonly tls: Trust;
  readonly cameraTls: Trust;
  /** Bits per second to ask of the camera; undefined leaves it as it is. */
  readonly bitrate: number | undefined;
  readonly idrSeconds: number;
  readonly restoreOnExit: boolean;
  /** What the camera's own congestion control is set to at the end. */
  readonly congestionControl: boolean;
  readonly onLoss: "freeze" | "pass";
}

export interface FileConfig {
  readonly kind: "file";
  readonly path: string;
  readonly loop: boolean;
}

export interface RtspConfig {
  readonly kind: "rtsp";
  readonly url: Secret;
  readonly transport: "tcp" | "udp";
}

export type SourceConfig = SpotConfig | FileConfig | RtspConfig;

interface AnyOutputConfig {
  readonly name: string;
  /** Whose rules the stream must keep. */
  readonly rules: DestinationKind;
  /** The authority to believe instead of this machine's list, PEM. */
  readonly ca: string | undefined;
}

interface AnyRtmpOutputConfig extends AnyOutputConfig {
  readonly onSizeChange: "republish" | "inband";
  readonly streamKey: Secret;
}

export interface RtmpOutputConfig extends AnyRtmpOutputConfig {
  readonly kind: "rtmp";
  /** `rtmp://host[:port]/app` or `rtmps://...`, without the stream key. */
  readonly url: string;
}

export interface TwitchOutputConfig extends AnyRtmpOutputConfig {
  readonly kind: "twitch";
  /** `auto`, or an address like `rtmps://host/app`. */
  readonly ingest: string;
  readonly bandwidthTest: boolean;
}

export interface WhipOutputConfig extends AnyOutputConfig {
  readonly kind: "whip";
  /** `https://host[:port]/path` or `http://...`. */
  readonly url: string;
  /** The bearer token, where the server wants one. */
  readonly streamKey: Secret | undefined;
}

export type OutputConfig = RtmpOutputConfig | TwitchOutputConfig | WhipOutputConfig;

export interface HttpConfig {
  readonly host: string;
  /** 0, which no file can say: the kernel chooses. */
  readonly port: number;
  readonly username: string;
  readonly password: Secret | undefined;
  readonly token: Secret | undefined;
  /** Host names that a proxy on this machine may pass on. */
  readonly allowedHosts: readonly string[];
}

export interface MqttConfig {
  /** One or more brokers that know the same. */
  readonly urls: readonly string[];
  readonly username: string | undefined;
  readonly password: Secret | undefined;
  /** PEM. */
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: Secret | undefined;
  readonly deviceId: string;
  readonly baseTopic: string;
  /** False: Home Assistant is not told, and what it was told is taken back. */
  readonly homeAssistant: boolean;
  readonly discoveryPrefix: string;
}

export type ChatTier = "broadcaster" | "moderator" | "vip" | "subscriber" | "everyone";

export interface ChatConfig {
  readonly channel: string;
  readonly clientId: string;
  readonly transport: "eventsub" | "irc";
  /** Tiers by command, where they differ from the bot's own. */
  readonly permissions: Readonly<Record<string, ChatTier>>;
  readonly vote: boolean;
  readonly voteSeconds: number;
  readonly minimumVotes: number;
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** The whole configuration, checked and complete; frozen. */
export interface Config {
  readonly source: SourceConfig;
  /** At most 8, each with its own name. */
  readonly outputs: readonly OutputConfig[];
  readonly audio: "silent" | "camera" | "none";
  readonly queue: { readonly bytes: number; readonly milliseconds: number };
  /** Least bits per second asked of the camera. */
  readonly adapt: { readonly floor: number };
  /** Longest time to hold the last picture, seconds; 0: not at all. */
  readonly hold: { readonly max: number };
  readonly transcode: { readonly allow: boolean };
  /** Camera positions by name. */
  readonly presets: Readonly<Record<string, Partial<CameraPosition>>>;
  readonly http: HttpConfig | undefined;
  readonly preview: { readonly maxViewers: number };
  readonly mqtt: MqttConfig | undefined;
  readonly chat: ChatConfig | undefined;
  readonly stallSeconds: number;
  /** Interfaces that lead to the internet, the most wanted one first. */
  readonly uplinks: readonly string[];
  readonly autostart: "always" | "last" | "never";
  readonly clockWaitSeconds: number;
  readonly stateDirectory: string;
  /** The boot partition of a device without a screen. */
  readonly bootDirectory: string | undefined;
  readonly socketPath: string;
  readonly logLevel: LogLevel;
}

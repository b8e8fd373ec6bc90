import { readFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

export type H264Profile = "constrained-baseline" | "main" | "high";

/**
 * When IDR pictures come. `periodic`: every `idrInterval` frames. `refresh-only`: one when the first viewer comes,
 * then only macroblock refresh. `on-pli`: when a viewer asks with a PLI, at the next frame.
 * `periodic-or-pli`: both, the interval counted from the last one.
 */
export type IdrMode = "periodic" | "refresh-only" | "on-pli" | "periodic-or-pli";

/** What the camera's encoder is set to. Those that the robot's own service can set are marked. */
export interface PictureSettings {
  /** Pixels, even, 160 to 3840. */
  readonly width: number;
  /** Pixels, even, 120 to 2160. */
  readonly height: number;
  /** Whole frames per second, 1 to 60. */
  readonly fps: number;
  /** Bits per second; StreamQuality can set it. */
  readonly bitrate: number;
  readonly profile: H264Profile;
  readonly idr: IdrMode;
  /** Frames from one IDR to the next in the periodic modes; StreamQuality can set it. */
  readonly idrInterval: number;
  /** Frames in which every macroblock is refreshed in mode `refresh-only`; StreamQuality can set it. */
  readonly refreshInterval: number;
}

export interface RobotOptions extends PictureSettings {
  /** The IPv4 address that it answers at, and sends from; one of this machine's, or of the namespace it runs in. */
  readonly host: string;
  /** SPS and PPS before each IDR, or only before the first that a viewer gets of one encoder. */
  readonly parameterSets: "always" | "once";
  /** All packets of a frame back to back, or evenly over the time to the next frame. */
  readonly arrival: "burst" | "spread";
  readonly username: string;
  readonly password: string;
  /** How long a token is good, milliseconds. */
  readonly tokenLifeMs: number;
  /** How long an account is locked after six failures in a row, milliseconds. */
  readonly lockOutMs: number;
  /** How often a payload's token is refused with "not authorized" before an operator has pressed the button. */
  readonly payloadPolls: number;
  /** Whether a payload's token may use the camera's gRPC services; for the video it always may. */
  readonly payloadMayControl: boolean;
  /** Milliseconds from the start until the directory lists the camera's services. */
  readonly servicesAfterMs: number;
  /** RTP payload type of the video, 96 to 127. */
  readonly videoPayloadType: number;
  /** First RTP sequence number of every viewer's video; undefined: random. */
  readonly startSequence: number | undefined;
  /** First RTP timestamp of every viewer's video; undefined: random. */
  readonly startTimestamp: number | undefined;
  /** Packets lost on the way to the viewer, percent, retransmissions included. */
  readonly lossPercent: number;
  /** Packets that arrive after a few of those sent later, percent. */
  readonly reorderPercent: number;
  /** Seed of the generator behind loss and reordering: the same seed loses the same packets. */
  readonly seed: number;
  /** How much faster than this machine's the camera's clock runs, parts per million. */
  readonly clockSkewPpm: number;
  /** Where encoded loops are kept from one run to the next. */
  readonly cacheDirectory: string;
}

/** A Spot CAM 2 that does what a good one does: 1080p30 at 8 Mbit/s, an IDR every two seconds. */
export function defaultRobotOptions(): RobotOptions {
  return {
    width: 1920,
    height: 1080,
    fps: 30,
    bitrate: 8_000_000,
    profile: "constrained-baseline",
    idr: "periodic",
    idrInterval: 60,
    refreshInterval: 60,
    host: "127.0.0.1",
    parameterSets: "always",
    arrival: "burst",
    username: "user",
    password: "spotlive-simulator",
    tokenLifeMs: 12 * 60 * 60 * 1000,
    lockOutMs: 60_000,
    payloadPolls: 2,
    payloadMayControl: true,
    servicesAfterMs: 0,
    videoPayloadType: 96,
    startSequence: undefined,
    startTimestamp: undefined,
    lossPercent: 0,
    reorderPercent: 0,
    seed: 1,
    clockSkewPpm: 0,
    cacheDirectory: join(tmpdir(), `spotlive-simulator-cache-${ownerId()}`),
  };
}

/** Who we are on this machine: in a user namespace, as `demo --uplink` makes one, everybody is root. */
function ownerId(): number {
  const { uid } = userInfo();
  try {
    const [inside = 0, outside = 0] = readFileSync("/proc/self/uid_map", "latin1")
      .trim()
      .split(/\s+/)
      .map(Number);
    return uid - inside + outside;
  } catch {
    return uid; // no Linux
  }
}

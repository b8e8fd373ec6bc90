import type { DestinationKind } from "../domain/destination.ts";

/** What a destination takes; undefined where it does not care. */
export interface DestinationRules {
  /** Its name for a person. */
  readonly name: string;
  /** Names as `profileName` gives them. */
  readonly profiles: readonly string[];
  /** Level times ten. */
  readonly mostLevel: number;
  readonly mostWidth: number;
  readonly mostHeight: number;
  readonly mostFps: number;
  /** Bits per second of the picture. */
  readonly mostBitsPerSecond: number | undefined;
  /** Seconds between two IDR pictures: what to ask for, and the longest that is taken. */
  readonly idrSeconds: number;
  readonly mostIdrSeconds: number;
  readonly bFrames: boolean;
  /** Other SPS than the first that may come within one measurement: a camera that restarts has one. */
  readonly mostPictureChanges: number;
  readonly needsAudio: boolean;
}

const commonProfiles = ["Constrained Baseline", "Baseline", "Main", "Constrained High", "High"];

/**
 * Rules of the services, as they publish them: Twitch's broadcasting guidelines (H.264 up to High 4.2, 6000 kbit/s,
 * an IDR every 2 s, AAC) and YouTube's encoder settings (an IDR every 2 s and at least every 4 s, AAC). Twitch's
 * low-latency players stumble over B-frames. WebRTC has no B-frames at all (RTP shows pictures in the order in which
 * they come), and browsers decode no more than 8 bits of 4:2:0; a viewer waits for the next IDR.
 * `generic` is what any RTMP server can pass on, with
 * segments that are not too long to begin with.
 */
const rulesByKind: Readonly<Record<DestinationKind, DestinationRules>> = {
  twitch: {
    name: "Twitch",
    profiles: commonProfiles,
    mostLevel: 42,
    mostWidth: 1920,
    mostHeight: 1080,
    mostFps: 60,
    mostBitsPerSecond: 6_000_000,
    idrSeconds: 2,
    mostIdrSeconds: 2.5,
    bFrames: false,
    mostPictureChanges: 1,
    needsAudio: true,
  },
  youtube: {
    name: "YouTube",
    profiles: commonProfiles,
    mostLevel: 52,
    mostWidth: 3840,
    mostHeight: 2160,
    mostFps: 60,
    mostBitsPerSecond: 51_000_000,
    idrSeconds: 2,
    mostIdrSeconds: 4.5,
    bFrames: true,
    mostPictureChanges: 1,
    needsAudio: true,
  },
  generic: {
    name: "any RTMP server",
    profiles: [...commonProfiles, "Extended", "High 10", "High 4:2:2"],
    mostLevel: 62,
    mostWidth: 7680,
    mostHeight: 4320,
    mostFps: 120,
    mostBitsPerSecond: undefined,
    idrSeconds: 2,
    mostIdrSeconds: 6.5,
    bFrames: true,
    mostPictureChanges: 3,
    needsAudio: false,
  },
  webrtc: {
    name: "WebRTC",
    profiles: commonProfiles,
    mostLevel: 52,
    mostWidth: 3840,
    mostHeight: 2160,
    mostFps: 60,
    mostBitsPerSecond: undefined,
    idrSeconds: 2,
    mostIdrSeconds: 4.5,
    bFrames: false,
    mostPictureChanges: 3,
    needsAudio: false,
  },
};

/** The rules that a stream for all these destinations must keep: one encode, or one camera, serves them all. */
export function strictest(kinds: readonly DestinationKind[]): DestinationRules {
  const [first = rulesByKind.generic, ...others] = [...new Set(kinds)].map((kind) => rulesByKind[kind]);
  return others.reduce(both, first);
}

function both(a: DestinationRules, b: DestinationRules): DestinationRules {
  const bitRates = [a.mostBitsPerSecond, b.mostBitsPerSecond].filter((rate) => rate !== undefined);
  return {
    name: `${a.name} and ${b.name}`,
    profiles: a.profiles.filter((profile) => b.profiles.includes(profile)),
    mostLevel: Math.min(a.mostLevel, b.mostLevel),
    mostWidth: Math.min(a.mostWidth, b.mostWidth),
    mostHeight: Math.min(a.mostHeight, b.mostHeight),
    mostFps: Math.min(a.mostFps, b.mostFps),
    mostBitsPerSecond: bitRates.length === 0 ? undefined : Math.min(...bitRates),
    idrSeconds: Math.min(a.idrSeconds, b.idrSeconds),
    mostIdrSeconds: Math.min(a.mostIdrSeconds, b.mostIdrSeconds),
    bFrames: a.bFrames && b.bFrames,
    mostPictureChanges: Math.min(a.mostPictureChanges, b.mostPictureChanges),
    needsAudio: a.needsAudio || b.needsAudio,
  };
}

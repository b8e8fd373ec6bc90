import type { CameraAbility, StreamSettings } from "../domain/camera.ts";
import type { Finding, Remedy, Rule, TranscodeTarget, Verdict } from "../domain/verdict.ts";
import type { DestinationRules } from "./destination-rules.ts";
import type { Measurement } from "./measurement.ts";

/** What can be had around the picture. */
export interface Means {
  /** What the camera lets be set. */
  readonly can: ReadonlySet<CameraAbility>;
  /** Whether a track of sound goes with the picture. */
  readonly audio: boolean;
}

/** An encoder's average wanders: above the limit by so much is still taken. */
const bitRateTolerance = 1.15;
/** The limit is a limit: what the camera is asked for keeps off it. */
const askedShare = 0.9;
/** Without any IDR nobody can begin to watch, whatever spacing is allowed. */
const patienceSeconds = 4;
const fallbackBitsPerSecond = 3_000_000;
const assumedFps = 30;

/**
 * Judges what was measured by a destination's rules. Rules that the measurement is too short for count as kept.
 * A stretch without IDR is an IDR spacing of that length: flags and recovery points have no say.
 */
export function judge(measurement: Measurement, rules: DestinationRules, means: Means): Verdict {
  const findings = checks.map((check) => check(measurement, rules, means));
  const needed = new Set(findings.map(({ remedy }) => remedy));
  const common = { destination: rules.name, findings };
  if (needed.has("transcode")) return { ...common, kind: "transcode", target: targetOf(measurement, rules) };
  if (needed.has("camera"))
    return { ...common, kind: "ask-camera", ask: askOf(findings, measurement, rules) };
  return { ...common, kind: "copy" };
}

/** What an encode for these rules is to be, whatever else is tried. */
export function targetOf(measurement: Measurement, rules: DestinationRules): TranscodeTarget {
  const { width = 0, height = 0, fps, bitsPerSecond } = measurement;
  const scale = Math.min(1, rules.mostWidth / width, rules.mostHeight / height);
  const wanted = bitsPerSecond > 0 ? bitsPerSecond : fallbackBitsPerSecond;
  const even = (side: number): number => Math.max(2, Math.floor((side * scale) / 2) * 2);
  return {
    ...(scale < 1 && { width: even(width), height: even(height) }),
    ...(fps > rules.mostFps + 1 && { fps: rules.mostFps }),
    bitsPerSecond: Math.round(Math.min(wanted, (rules.mostBitsPerSecond ?? Infinity) * askedShare)),
    idrSeconds: rules.idrSeconds,
    profile: "high",
  };
}

type Check = (measurement: Measurement, rules: DestinationRules, means: Means) => Finding;

const checks: readonly Check[] = [
  () => ({ rule: "codec", text: "H.264." }),
  ({ profile }, rules) => {
    if (profile === undefined) return { rule: "profile", text: "The profile is not known yet." };
    const fits = rules.profiles.includes(profile);
    return finding(
      "profile",
      fits,
      `Profile ${profile}; ${rules.name} takes ${list(rules.profiles)}.`,
      "transcode",
    );
  },
  ({ level }, rules) => {
    if (level === undefined) return { rule: "level", text: "The level is not known yet." };
    const text = `Level ${tenths(level)}; ${rules.name} takes up to ${tenths(rules.mostLevel)}.`;
    return finding("level", level <= rules.mostLevel, text, "transcode");
  },
  ({ width, height, interlaced }, rules) => {
    if (width === undefined || height === undefined)
      return { rule: "size", text: "The size is not known yet." };
    const fits = width <= rules.mostWidth && height <= rules.mostHeight && interlaced !== true;
    const kind = interlaced === true ? "interlaced" : "progressive";
    const text = `${width}x${height}, ${kind}; ${rules.name} takes up to ${rules.mostWidth}x${rules.mostHeight}, progressive.`;
    return finding("size", fits, text, "transcode");
  },
  ({ fps }, rules) => {
    const text = `${fps.toFixed(1)} frames a second; ${rules.name} takes up to ${rules.mostFps}.`;
    return finding("frame-rate", fps <= rules.mostFps + 1, text, "transcode");
  },
  ({ bitsPerSecond }, { name, mostBitsPerSecond }, { can }) => {
    const got = `${megabits(bitsPerSecond)} Mbit/s`;
    if (mostBitsPerSecond === undefined) return { rule: "bit-rate", text: `${got}; ${name} sets no limit.` };
    const fits = bitsPerSecond <= mostBitsPerSecond * bitRateTolerance;
    const text = `${got}; ${name} takes up to ${megabits(mostBitsPerSecond)}.`;
    return finding("bit-rate", fits, text, can.has("bitrate") ? "camera" : "transcode");
  },
  ({ idr }, rules, { can }) => {
    const wait = idr.longestWaitMs / 1000;
    const wanted = `${rules.name} needs one at least every ${rules.mostIdrSeconds} s`;
    const got =
      idr.count === 0
        ? `No IDR picture in ${wait.toFixed(1)} s`
        : `Up to ${wait.toFixed(1)} s without an IDR picture`;
    const fits = wait <= rules.mostIdrSeconds && (idr.count > 0 || wait < patienceSeconds);
    return finding("idr-spacing", fits, `${got}; ${wanted}.`, can.has("idr") ? "camera" : "transcode");
  },
  ({ bFrames }, rules) => {
    const wanted = rules.bFrames ? `${rules.name} takes them` : `${rules.name} wants none`;
    const text = `${bFrames ? "B-frames" : "No B-frames"}; ${wanted}.`;
    return finding("b-frames", rules.bFrames || !bFrames, text, "transcode");
  },
  ({ parameterSets }, rules) => {
    const changes = Math.max(0, parameterSets.variants - 1);
    const text = `The picture's format changed ${changes} times; ${rules.name} bears ${rules.mostPictureChanges}.`;
    return finding("parameter-sets", changes <= rules.mostPictureChanges, text, "transcode");
  },
  (_measurement, rules, { audio }) => {
    const got = audio ? "A track of AAC goes with it" : "No track of sound";
    const text = `${got}; ${rules.name} ${rules.needsAudio ? "needs one (audio: silent)" : "needs none"}.`;
    return finding("audio", audio || !rules.needsAudio, text, "configuration");
  },
];

function finding(rule: Rule, fits: boolean, text: string, remedy: Remedy): Finding {
  return fits ? { rule, text } : { rule, remedy, text };
}

function askOf(
  findings: readonly Finding[],
  { fps }: Measurement,
  { mostBitsPerSecond, idrSeconds }: DestinationRules,
): StreamSettings {
  const isAsked = (rule: Rule): boolean =>
    findings.some((finding) => finding.rule === rule && finding.remedy === "camera");
  return {
    ...(isAsked("bit-rate") &&
      mostBitsPerSecond !== undefined && { targetBitrate: Math.round(mostBitsPerSecond * askedShare) }),
    ...(isAsked("idr-spacing") && { idrInterval: idrIntervalOf(idrSeconds, fps) }),
  };
}

/** An IDR spacing in frames, from the measured rate; 30 frames a second where nothing was measured yet. */
export function idrIntervalOf(seconds: number, fps: number): number {
  return Math.max(1, Math.round(seconds * (fps > 0 ? fps : assumedFps)));
}

const tenths = (level: number): string => (level / 10).toFixed(1);
const megabits = (bits: number): string => (bits / 1e6).toFixed(2);
const list = (words: readonly string[]): string => words.join(", ");

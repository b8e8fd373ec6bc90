/**
 * The words of the live line. All times are microseconds on the session's one monotonic clock
 * (`lib/clock.ts`), so a picture, a sound, a HUD line and a detection can be joined by time alone.
 */

/** One H.264 access unit (one picture), in decoding order. */
export interface VideoUnit {
  readonly kind: "video";
  /** Presentation time in microseconds. */
  readonly ptsUs: number;
  /** Decoding time in microseconds; equals `ptsUs` for every stream without B-frames, so for every WebRTC camera. */
  readonly dtsUs: number;
  /** The camera's own 32-bit RTP timestamp (90 kHz) of this picture; 0 where the source has none. */
  readonly rtpTimestamp: number;
  /** When the last byte of the unit reached this process, microseconds. */
  readonly receivedUs: number;
  /** True for a unit that holds NAL type 5 (IDR), and for nothing else: recovery points do not count. */
  readonly keyframe: boolean;
  /** NAL units without start codes or lengths; an IDR unit is always preceded by its SPS and PPS. */
  readonly nalus: readonly Uint8Array[];
  /** The same NAL units as one AVCC block: each with its 4-byte big-endian length in front (ISO/IEC 14496-15). */
  readonly avcc: Uint8Array;
  /** Parts of it are missing: it is shown, but nothing is begun with it. */
  readonly damaged?: true;
  /** The original RTP packets after decryption, for passing through; empty where the source has none. */
  readonly packets: readonly Uint8Array[];
}

/** One frame of compressed audio. */
export interface AudioUnit {
  readonly kind: "audio";
  /** Presentation time in microseconds. */
  readonly ptsUs: number;
  readonly codec: "opus" | "aac";
  /** One opus packet (RFC 6716), or one raw AAC-LC access unit without ADTS header. */
  readonly payload: Uint8Array;
  /** The AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) that an AAC unit is decoded with; the same object until it changes. */
  readonly config?: Uint8Array;
}

export type Unit = VideoUnit | AudioUnit;

/**
 * Something that gives units: a robot's camera, a file, an RTSP camera.
 * `run` resolves when aborted and rejects with a `Fault` when the source fails or ends; it never retries.
 * `emit` never blocks and never throws.
 */
export interface Source {
  readonly name: string;
  run(emit: (unit: Unit) => void, signal: AbortSignal): Promise<void>;
  /** Asks the camera for an IDR as soon as possible; rate-limited by the source; a no-op where it cannot be asked. */
  requestKeyframe(): void;
  /**
   * Resolves when a way to the camera appears that was not there, so that a cable that is plugged in is not waited for
   * any longer; rejects when aborted.
   */
  awaitLink?(signal: AbortSignal): Promise<void>;
}

/**
 * Something that takes units: an RTMP ingest, a recording.
 * `run` resolves when aborted and rejects with a `Fault` when the destination fails; it never retries.
 * The iterable starts with a keyframe.
 */
export interface Output {
  readonly name: string;
  run(units: AsyncIterable<Unit>, signal: AbortSignal): Promise<void>;
  /**
   * Resolves as soon as the destination answers at all (a bare TCP connect, closed at once), so that waiting
   * after an outage ends when the outage does; rejects when aborted.
   */
  awaitReachable?(signal: AbortSignal): Promise<void>;
  /**
   * How much waits on this side of the network now; undefined while nothing is connected. A look may cost some
   * milliseconds: unless `eager`, and while nothing is wrong, the same object is given again for a while.
   */
  uplink?(eager: boolean): Uplink | undefined;
}

/** One look at an output's connection. */
export interface Uplink {
  /** Another number for each connection: counts of different ones cannot be compared. */
  readonly connection: number;
  /** Bytes handed in that have not arrived: in the socket, in the kernel, on their way. */
  readonly waitingBytes: number;
  /** Bytes that have arrived since the connection began. */
  readonly deliveredBytes: number;
  /** What the way takes there and back when nothing else is on it, milliseconds. */
  readonly roundTripMs: number;
}

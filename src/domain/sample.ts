/** One second of the line, for graphs. */
export interface Sample {
  /** Unix time, milliseconds: for people, as a board's clock may jump. */
  readonly t: number;
  /** What the camera sends. */
  readonly bitsPerSecond: number;
  /** Bits per second asked of the encoder; null where the rate cannot be set. */
  readonly target: number | null;
  /** Bits per second that the slowest uplink carried when it was last busy. */
  readonly capacity: number | null;
  /** Milliseconds that a picture waits on this side, on the slowest way. */
  readonly delayMs: number | null;
  readonly fps: number;
  /** Pictures dropped, of the camera and in front of every destination. */
  readonly droppedPerSecond: number;
  /** Packets that never came. */
  readonly lostPerSecond: number;
  /** Milliseconds to the farthest server and back, as measured when it was connected to. */
  readonly rttMs: number | null;
  /** Of the hottest sensor, °C. */
  readonly temperature: number | null;
}

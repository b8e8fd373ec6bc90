/** What can be set on a camera's own encoder; an absent field is left as it is. */
export interface StreamSettings {
  /** Bits per second. */
  readonly targetBitrate?: number;
  /** Frames between two IDR pictures. */
  readonly idrInterval?: number;
  /** Frames over which the picture is refreshed macroblock by macroblock. */
  readonly refreshInterval?: number;
}

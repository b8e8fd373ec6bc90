import type { DestinationRules } from "../../media/destination-rules.ts";
import type { RateRange } from "./controller.ts";
import type { EncoderSettings } from "../care/encoder-settings.ts";

/** What people allow, bits per second. */
export interface RateLimits {
  /** Least that is asked for, however slow the uplink. */
  readonly floor: number;
  /** What the configuration wants; undefined: what the camera was set to. */
  readonly configured: number | undefined;
  /** What somebody has capped it at. */
  readonly cap: number | null;
}

/** For a camera that does not tell what it is set to. */
const assumedRate = 8_000_000;
/** A destination's limit is a limit: what is asked for keeps off it. */
const shareOfLimit = 0.9;

/**
 * Between which rates the encoder may be steered; undefined where there is nothing to steer. `encoding` is what the
 * verdict wants of our own encoder, bits per second, while that is the one.
 */
export function rateRange(
  { floor, configured, cap }: RateLimits,
  { mostBitsPerSecond }: DestinationRules,
  camera: Pick<EncoderSettings, "isControllable" | "found">,
  encoding: number | undefined,
): RateRange | undefined {
  if (encoding === undefined && !camera.isControllable) return undefined;
  if (encoding === undefined && configured === undefined && camera.found === undefined) return undefined; // not read yet
  const told = camera.found?.targetBitrate ?? 0; // 0 where it does not tell
  const own = encoding ?? configured ?? (told > 0 ? told : assumedRate);
  const ceiling = Math.min(own, cap ?? Infinity, (mostBitsPerSecond ?? Infinity) * shareOfLimit);
  return { floor: Math.min(floor, ceiling), ceiling };
}

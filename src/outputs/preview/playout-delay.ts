import type { PreviewLatency } from "../../domain/preview.ts";

export const playoutDelayExtension = {
  id: 1,
  uri: "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
} as const;

/**
 * The playout-delay extension as a one-byte-header block (RFC 8285, 4.2): minimum and maximum in units of 10 ms, 12
 * bits each. From 0 to 0 the browser shows a picture at once; from 0 to 10 s it decides by itself, as without it.
 */
export function playoutDelay(latency: PreviewLatency): Uint8Array {
  return latency === "live" ? immediate : usual;
}

const block = (maximum: number): Uint8Array =>
  Uint8Array.of(0xbe, 0xde, 0, 1, (playoutDelayExtension.id << 4) | 2, 0, maximum >> 8, maximum & 0xff);
const immediate = block(0);
const usual = block(1000);

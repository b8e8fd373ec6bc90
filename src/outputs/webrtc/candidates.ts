import type { ViewerCandidate } from "../../domain/preview.ts";

/**
 * A browser hides its addresses behind names that only its own network can resolve (`<uuid>.local`, mDNS). The address
 * that its connection to us comes from takes their place.
 */
export function revealAddresses(text: string, peerAddress: string): string {
  return text.replace(hiddenName, (_match, before: string) => before + peerAddress);
}

/** `candidate:1 1 udp 2122 <uuid>.local 50000 typ host`: the name is the fifth word (RFC 8839, 5.1). */
const hiddenName =
  /(candidate:\S{1,64} \d{1,5} \S{1,16} \d{1,10} )[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\.local/gi;

/** The answer with further candidates of its one medium in it. */
export function withCandidates(sdp: string, candidates: readonly ViewerCandidate[]): string {
  const lines = candidates
    .filter(({ candidate }) => /^candidate:[^\r\n]+$/.test(candidate))
    .map(({ candidate }) => `a=${candidate}\r\n`);
  return `${sdp.replace(/\r?\n?$/, "\r\n")}${lines.join("")}`;
}

export const hasCandidate = (sdp: string): boolean => /^a=candidate:/m.test(sdp);

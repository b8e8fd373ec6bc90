import type { SourceCounters } from "../../domain/status.ts";

export const noCounters: SourceCounters = {
  units: 0,
  keyframes: 0,
  bytes: 0,
  packets: 0,
  lostPackets: 0,
  recoveredPackets: 0,
  discardedPackets: 0,
  droppedUnits: 0,
  restarts: 0,
  keyframeRequests: 0,
};

/** Counters go on over the reconnections of one source. */
export function addCounters(a: SourceCounters, b: SourceCounters): SourceCounters {
  return {
    units: a.units + b.units,
    keyframes: a.keyframes + b.keyframes,
    bytes: a.bytes + b.bytes,
    packets: a.packets + b.packets,
    lostPackets: a.lostPackets + b.lostPackets,
    recoveredPackets: a.recoveredPackets + b.recoveredPackets,
    discardedPackets: a.discardedPackets + b.discardedPackets,
    droppedUnits: a.droppedUnits + b.droppedUnits,
    restarts: a.restarts + b.restarts,
    keyframeRequests: a.keyframeRequests + b.keyframeRequests,
  };
}

import { AccessUnitAssembler } from "./access-unit.ts";
import type { AssembledUnit } from "./access-unit.ts";
import { isSlice, nalType } from "./h264.ts";
import type { ParameterSets } from "./h264.ts";
import type { RtpPacket } from "./srtp.ts";

/** What to do when a packet is lost for good: show the last whole picture until the next IDR, or show the damage. */
export type LossPolicy = "freeze" | "pass";

export interface DepacketizerHooks {
  /**
   * A picture, whether or not a keyframe came before it; `damaged` where a part of it is missing. `packets` are the RTP
   * packets it came in.
   */
  emit(unit: AssembledUnit, timestamp: number, packets: readonly Uint8Array[], damaged: boolean): void;
  /** A keyframe is wanted after a loss. */
  wantKeyframe(): void;
}

export interface DepacketizerCounters {
  droppedUnits: number;
  /** Payloads of a kind that RFC 6184 allows only in interleaved mode, or that break its rules. */
  refusedPayloads: number;
}

const singleTimeAggregation = 24;
const fragmentationUnit = 28;
const maximumPacketsKept = 4096;
/** Six seconds without the IDR that was asked for: none will come. */
const patienceTicks = 6 * 90_000;

/**
 * RTP payloads to access units: RFC 6184 in single NAL unit mode and non-interleaved mode (single NAL, STAP-A, FU-A).
 * Takes packets in order; `gap` says that something in front of a packet is missing. Total: no payload can make it
 * throw.
 */
export class Depacketizer {
  readonly counters: DepacketizerCounters = { droppedUnits: 0, refusedPayloads: 0 };
  readonly #policy: LossPolicy;
  readonly #hooks: DepacketizerHooks;
  readonly #unit = new AccessUnitAssembler();
  #packets: Uint8Array[] = [];
  #timestamp: number | undefined;
  #damaged = false;
  #needsKeyframe = false;
  /** RTP timestamp of the first picture that was dropped for want of an IDR. */
  #frozenSince: number | undefined;
  /** Before its first keyframe a stream cannot be shown, so nothing is lost with what is damaged there. */
  #begun = false;

  constructor(policy: LossPolicy, hooks: DepacketizerHooks) {
    this.#policy = policy;
    this.#hooks = hooks;
  }

  /** Parameter sets from outside the stream: `sprop-parameter-sets` of the SDP. */
  setParameterSets(sets: Partial<ParameterSets>): void {
    this.#unit.setParameterSets(sets);
  }

  push(packet: RtpPacket, gap: boolean): void {
    if (gap) this.#noteLoss();
    if (this.#timestamp !== packet.timestamp) {
      this.#finish(); // the marker of the last unit never came
      this.#timestamp = packet.timestamp;
      this.#damaged = gap && !beginsAccessUnit(packet);
    } else if (gap) {
      this.#unit.dropOpenNal();
      this.#damaged = true;
    }

    if (this.#packets.length < maximumPacketsKept) this.#packets.push(packet.data);
    this.#addPayload(packet.data, packet.payloadStart, packet.payloadEnd);
    if (packet.marker) this.#finish();
  }

  #noteLoss(): void {
    this.#needsKeyframe ||= this.#begun && this.#policy === "freeze";
    this.#damaged ||= this.#packets.length > 0;
    this.#hooks.wantKeyframe();
  }

  #addPayload(data: Buffer, start: number, end: number): void {
    if (end - start < 1) return;
    const type = (data[start] ?? 0) & 0x1f;
    if (type === fragmentationUnit) this.#addFragment(data, start, end);
    else if (type === singleTimeAggregation) this.#addAggregate(data, start + 1, end);
    else if (type >= 1 && type < singleTimeAggregation) {
      this.#closeUnfinishedNal();
      this.#unit.addNal(data, start, end);
    } else this.counters.refusedPayloads += 1;
  }

  /** STAP-A: RFC 6184, 5.7.1. */
  #addAggregate(data: Buffer, start: number, end: number): void {
    this.#closeUnfinishedNal();
    let offset = start;
    while (offset + 2 < end) {
      const size = data.readUInt16BE(offset);
      offset += 2;
      if (size === 0 || offset + size > end) {
        this.counters.refusedPayloads += 1;
        this.#damaged = true;
        return;
      }
      this.#unit.addNal(data, offset, offset + size);
      offset += size;
    }
  }

  /** FU-A: RFC 6184, 5.8. */
  #addFragment(data: Buffer, start: number, end: number): void {
    if (end - start < 3) {
      this.counters.refusedPayloads += 1;
      return;
    }
    const indicator = data[start] ?? 0;
    const header = data[start + 1] ?? 0;
    if (header & 0x80) {
      this.#closeUnfinishedNal();
      this.#unit.openNal();
      this.#unit.appendByte((indicator & 0xe0) | (header & 0x1f));
    } else if (!this.#unit.isNalOpen) {
      this.#damaged = true; // its beginning was lost
      return;
    }
    this.#unit.append(data, start + 2, end);
    if (header & 0x40) this.#unit.closeNal();
  }

  #closeUnfinishedNal(): void {
    if (!this.#unit.isNalOpen) return;
    this.#damaged = true; // its end was lost
    this.#unit.dropOpenNal();
  }

  #finish(): void {
    if (this.#packets.length === 0) return;
    this.#closeUnfinishedNal();
    const packets = this.#packets;
    const damaged = this.#damaged || this.#unit.overflowed;
    const { hasPicture } = this.#unit;
    this.#packets = [];
    this.#damaged = false;
    const timestamp = this.#timestamp;
    this.#timestamp = undefined;
    if (damaged && this.#policy === "freeze") {
      this.#unit.clear();
      this.#drop();
      return;
    }
    const unit = this.#unit.take();
    if (unit === undefined || timestamp === undefined) {
      if (hasPicture || damaged) this.#drop();
      return;
    }
    if (unit.keyframe) {
      this.#needsKeyframe = false;
      this.#begun = true;
    } else if (this.#needsKeyframe && !this.#hasWaitedEnough(timestamp)) {
      this.#drop();
      return;
    }
    this.#frozenSince = undefined;
    this.#hooks.emit(unit, timestamp, packets, damaged);
  }

  /** A camera that only refreshes its picture heals the damage and never sends an IDR: it is not waited for for ever. */
  #hasWaitedEnough(timestamp: number): boolean {
    this.#frozenSince ??= timestamp;
    if (((timestamp - this.#frozenSince) | 0) < patienceTicks) return false;
    this.#needsKeyframe = false;
    this.#begun = false; // nor at the next loss, until there is an IDR again
    return true;
  }

  #drop(): void {
    if (this.#begun) this.counters.droppedUnits += 1;
    this.#needsKeyframe ||= this.#begun && this.#policy === "freeze";
    this.#hooks.wantKeyframe();
  }
}

/**
 * Whether a packet can be the first of its access unit: a delimiter, parameter set or SEI, or a slice that starts at
 * macroblock 0 (first_mb_in_slice is ue(0): its first bit is set; ITU-T H.264, 7.3.3).
 */
function beginsAccessUnit(packet: RtpPacket): boolean {
  const { data, payloadStart: start } = packet;
  let type = (data[start] ?? 0) & 0x1f;
  let slice = start + 1;
  if (type === singleTimeAggregation) {
    type = (data[start + 3] ?? 0) & 0x1f;
    slice = start + 4;
  } else if (type === fragmentationUnit) {
    const header = data[start + 1] ?? 0;
    if (!(header & 0x80)) return false;
    type = header & 0x1f;
    slice = start + 2;
  }
  if (slice >= packet.payloadEnd) return false;
  return isSlice(type) ? ((data[slice] ?? 0) & 0x80) !== 0 : type >= nalType.sei && type <= nalType.delimiter;
}

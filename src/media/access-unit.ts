import { isSlice, nalType } from "./h264.ts";

/** Where one NAL unit lies in the assembler's buffer. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly type: number;
}

export interface AssembledUnit {
  readonly avcc: Buffer;
  readonly nalus: readonly Uint8Array[];
  readonly keyframe: boolean;
}

/** An access unit above this size is damage or an attack: level 5.2 allows 4 MiB or so for one picture at 2160p. */
const maximumUnitBytes = 8 * 1024 * 1024;

/**
 * Collects the NAL units of one access unit in one growing buffer, lengths written in place, so that each payload byte
 * is copied once on its way from the packet to the AVCC block. Keeps the newest SPS and PPS and puts them in front of
 * an IDR that comes without its own.
 */
export class AccessUnitAssembler {
  #buffer = Buffer.allocUnsafeSlow(256 * 1024);
  #length = 0;
  #openNal = -1;
  #spans: Span[] = [];
  #sps: Buffer | undefined;
  #pps: Buffer | undefined;
  #overflowed = false;

  setParameterSets(sets: { readonly sps?: Uint8Array; readonly pps?: Uint8Array }): void {
    if (sets.sps !== undefined) this.#sps = Buffer.from(sets.sps);
    if (sets.pps !== undefined) this.#pps = Buffer.from(sets.pps);
  }

  get hasPicture(): boolean {
    return this.#spans.some((span) => isSlice(span.type));
  }

  get hasKeyframe(): boolean {
    return this.#spans.some((span) => span.type === nalType.idr);
  }

  get isNalOpen(): boolean {
    return this.#openNal >= 0;
  }

  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** Adds a whole NAL unit: `source[start, end)`. */
  addNal(source: Buffer, start: number, end: number): void {
    this.openNal();
    this.append(source, start, end);
    this.closeNal();
  }

  openNal(): void {
    if (!this.#reserve(4)) return;
    this.#openNal = this.#length;
    this.#length += 4;
  }

  append(source: Buffer, start: number, end: number): void {
    if (!this.#reserve(end - start)) return;
    source.copy(this.#buffer, this.#length, start, end);
    this.#length += end - start;
  }

  appendByte(byte: number): void {
    if (!this.#reserve(1)) return;
    this.#buffer[this.#length] = byte;
    this.#length += 1;
  }

  closeNal(): void {
    if (this.#openNal < 0) return;
    const start = this.#openNal + 4;
    this.#openNal = -1;
    if (this.#length === start) {
      this.#length -= 4;
      return;
    }
    this.#buffer.writeUInt32BE(this.#length - start, start - 4);
    const span = { start, end: this.#length, type: (this.#buffer[start] ?? 0) & 0x1f };
    this.#spans.push(span);
    if (span.type === nalType.sps && span.end - span.start >= 4) this.#sps = this.#copy(span);
    if (span.type === nalType.pps) this.#pps = this.#copy(span);
  }

  /** Takes the NAL unit that is being written back out. */
  dropOpenNal(): void {
    if (this.#openNal >= 0) this.#length = this.#openNal;
    this.#openNal = -1;
  }

  clear(): void {
    this.#length = 0;
    this.#openNal = -1;
    this.#spans = [];
    this.#overflowed = false;
  }

  /**
   * Gives the collected access unit in memory of its own and starts a new one. Undefined when it holds no picture
   * (its parameter sets are kept), or when it is an IDR and no parameter sets were ever seen.
   */
  take(): AssembledUnit | undefined {
    const { hasPicture, hasKeyframe: keyframe } = this;
    const spans = this.#spans;
    const length = this.#length;
    this.clear();
    if (!hasPicture) return undefined;
    const missing: Buffer[] = [];
    if (keyframe) {
      if (this.#sps === undefined || this.#pps === undefined) return undefined;
      const carries = (type: number): boolean => spans.some((span) => span.type === type);
      if (!carries(nalType.sps) || !carries(nalType.pps)) missing.push(this.#sps, this.#pps);
    }
    const before = missing.reduce((sum, nalu) => sum + 4 + nalu.length, 0);
    const avcc = Buffer.allocUnsafeSlow(before + length);
    const nalus: Uint8Array[] = [];
    let offset = 0;
    for (const nalu of missing) {
      avcc.writeUInt32BE(nalu.length, offset);
      nalu.copy(avcc, offset + 4);
      nalus.push(avcc.subarray(offset + 4, offset + 4 + nalu.length));
      offset += 4 + nalu.length;
    }
    this.#buffer.copy(avcc, before, 0, length);
    for (const span of spans) nalus.push(avcc.subarray(before + span.start, before + span.end));
    return { avcc, nalus, keyframe };
  }

  #copy(span: Span): Buffer {
    return Buffer.from(this.#buffer.subarray(span.start, span.end));
  }

  #reserve(bytes: number): boolean {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return true;
    if (needed > maximumUnitBytes) {
      this.#overflowed = true;
      return false;
    }
    const larger = Buffer.allocUnsafeSlow(
      Math.min(maximumUnitBytes, Math.max(needed, this.#buffer.length * 2)),
    );
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
    return true;
  }
}

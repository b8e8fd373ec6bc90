import { Buffer } from "node:buffer";
import type { VideoUnit } from "../../domain/media.ts";
import { toRtpPayloads } from "../../media/rtp-payloads.ts";
import type { RtpPayloads } from "../../media/rtp-payloads.ts";

const frameVersion = 1;
const frameHeaderLength = 16;
const startCode = Buffer.from([0, 0, 0, 1]);

/** One picture of the camera as viewers get it. What several of them need is made once, when the first one needs it. */
export class Picture {
  readonly unit: VideoUnit;
  /** 90 kHz, 32 bits: the camera's own, or made of the presentation time where the camera has none. */
  readonly timestamp: number;
  #payloads: RtpPayloads | undefined;
  #frame: Buffer | undefined;

  constructor(unit: VideoUnit, timestamp: number) {
    this.unit = unit;
    this.timestamp = timestamp;
  }

  get isKeyframe(): boolean {
    return this.unit.keyframe && this.unit.damaged === undefined;
  }

  get payloads(): RtpPayloads {
    this.#payloads ??= toRtpPayloads(this.unit.nalus);
    return this.#payloads;
  }

  /**
   * A header of 16 bytes (version 1, flags with bit 0 for a keyframe, two zero bytes, the RTP timestamp, the
   * presentation time in microseconds as a double, all big-endian) and the access unit as an Annex B byte stream.
   */
  get frame(): Buffer {
    this.#frame ??= this.#makeFrame();
    return this.#frame;
  }

  #makeFrame(): Buffer {
    const { unit } = this;
    const header = Buffer.alloc(frameHeaderLength);
    header[0] = frameVersion;
    header[1] = this.isKeyframe ? 1 : 0;
    header.writeUInt32BE(this.timestamp, 4);
    header.writeDoubleBE(unit.ptsUs, 8);
    return Buffer.concat([header, ...unit.nalus.flatMap((nalu) => [startCode, nalu])]);
  }
}

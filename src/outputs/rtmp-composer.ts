import { Fault } from "../domain/fault.ts";
import type { AudioUnit, VideoUnit } from "../domain/media.ts";
import {
  audioSpecificConfig,
  parseAudioSpecificConfig,
  samplesPerAacUnit,
  SilentAacClock,
  silentAacFormat,
  silentAacUnit,
  type AacFormat,
} from "../media/aac.ts";
import {
  aacHeaderLength,
  aacSequenceHeader,
  avcHeaderLength,
  avcSequenceHeader,
  writeAacHeader,
  writeAvcHeader,
} from "../media/flv.ts";
import { nalType, typeOf } from "../media/h264.ts";
import { parseSps } from "../media/sps.ts";
import type { AmfValue } from "../rtmp/amf0.ts";
import { dataMessage } from "../rtmp/command.ts";
import { chunkStream, messageType, noBytes, type OutgoingMessage } from "../rtmp/message.ts";

/**
 * `silent`: an AAC track of silence; `camera`: the AAC units that come with the pictures, and silence where they do not
 * come; `none`: no audio track.
 */
export type AudioMode = "silent" | "camera" | "none";

/** The camera's sound is encoded first and comes this late; none for longer is replaced by silence. */
const lateSoundUs = 300_000;
const missingSoundUs = 500_000;

/**
 * Turns units into the messages of one published stream: metadata and sequence headers, FLV heads and timestamps in
 * milliseconds from the first picture. The messages are valid until the next call: their heads are used again.
 */
export class RtmpComposer {
  readonly #audio: AudioMode;
  #aacFormat: AacFormat;
  #silence: SilentAacClock;
  readonly #avcHead = Buffer.alloc(avcHeaderLength);
  readonly #aacHead = Buffer.alloc(aacHeaderLength);
  #avcSequenceHeader: Buffer | undefined;
  #aacConfig: Uint8Array;
  #startUs = 0;
  #lastVideoMs = -1;
  #lastAudioMs = -1;
  /** When the camera's newest sound begins, and where what was sent of it ends. */
  #newestSoundUs = 0;
  #soundEndUs = 0;
  /** Where the silence ends that stands for it; undefined while it is there. */
  #silenceEndUs: number | undefined;
  #size = "";

  constructor(audio: AudioMode, aacFormat: AacFormat) {
    this.#audio = audio;
    this.#aacFormat = audio === "silent" ? silentAacFormat : aacFormat;
    this.#aacConfig = audioSpecificConfig(this.#aacFormat);
    this.#silence = new SilentAacClock(this.#aacFormat);
    writeAacHeader(this.#aacHead, 0);
  }

  /** The messages for one picture, silence up to its time in front. The first picture must be a keyframe. */
  video(unit: VideoUnit): readonly OutgoingMessage[] {
    const messages: OutgoingMessage[] = [];
    const first = this.#avcSequenceHeader === undefined;
    if (first) this.#startUs = this.#newestSoundUs = this.#soundEndUs = unit.dtsUs;
    const timestamp = Math.max(this.#milliseconds(unit.dtsUs), this.#lastVideoMs + 1);
    this.#lastVideoMs = timestamp;
    if (unit.keyframe || first) this.#describe(unit, timestamp, first, messages);
    if (this.#audio === "silent") this.#addSilence(unit.dtsUs, messages);
    else if (this.#audio === "camera" && unit.dtsUs - this.#newestSoundUs > missingSoundUs)
      this.#replaceSound(unit.dtsUs - lateSoundUs, messages);
    const compositionMs = Math.max(0, this.#milliseconds(unit.ptsUs) - timestamp);
    writeAvcHeader(this.#avcHead, 0, unit.keyframe, compositionMs);
    messages.push(videoMessage(timestamp, this.#avcHead, unit.avcc));
    return messages;
  }

  /**
   * The messages for the camera's own sound, the last of the silence that stood for it in front; nothing before the
   * first picture or where another sound is wanted.
   */
  audio(unit: AudioUnit): readonly OutgoingMessage[] {
    if (this.#audio !== "camera" || unit.codec !== "aac") return [];
    if (this.#avcSequenceHeader === undefined || unit.ptsUs < this.#startUs) return [];
    this.#newestSoundUs = unit.ptsUs;
    if (unit.ptsUs < (this.#silenceEndUs ?? unit.ptsUs)) return []; // silence has taken its place
    const messages: OutgoingMessage[] = [];
    if (this.#silenceEndUs !== undefined)
      this.#addSilence(unit.ptsUs - durationUs(this.#aacFormat), messages);
    this.#silenceEndUs = undefined;
    this.#soundEndUs = unit.ptsUs + durationUs(this.#aacFormat);
    const milliseconds = this.#milliseconds(unit.ptsUs);
    const sound = this.#aacMessage(milliseconds, this.#aacHead, unit.payload);
    const { config } = unit;
    if (config === undefined || Buffer.compare(config, this.#aacConfig) === 0) return [...messages, sound];
    this.#aacConfig = config;
    this.#followFormat(config);
    return [...messages, aacHeaderMessage(sound.timestamp, config), sound];
  }

  /** Whether this picture has another size than those before it. */
  resizes(unit: VideoUnit): boolean {
    if (!unit.keyframe || this.#size === "") return false;
    const sps = unit.nalus.find((nalu) => typeOf(nalu) === nalType.sps);
    return sps !== undefined && sizeOf(sps) !== this.#size;
  }

  #addSilence(untilUs: number, messages: OutgoingMessage[]): void {
    const unit = silentAacUnit(this.#aacFormat);
    for (const ptsUs of this.#silence.take(untilUs)) {
      messages.push(this.#aacMessage(this.#milliseconds(ptsUs), this.#aacHead, unit));
      this.#silenceEndUs = ptsUs + durationUs(this.#aacFormat);
    }
  }

  /** Silence goes on where the sound has ended. */
  #replaceSound(untilUs: number, messages: OutgoingMessage[]): void {
    if (this.#silenceEndUs === undefined) {
      this.#silence = new SilentAacClock(this.#aacFormat);
      this.#addSilence(this.#soundEndUs, messages);
    }
    this.#addSilence(untilUs, messages);
  }

  /** Silence must be of the same kind as the sound it stands for. */
  #followFormat(config: Uint8Array): void {
    try {
      this.#aacFormat = parseAudioSpecificConfig(config);
    } catch {} // sources pass on only what can be read
  }

  #milliseconds(us: number): number {
    return Math.round((us - this.#startUs) / 1000);
  }

  #aacMessage(milliseconds: number, head: Uint8Array, body: Uint8Array): OutgoingMessage {
    this.#lastAudioMs = Math.max(milliseconds, this.#lastAudioMs + 1);
    return {
      chunkStream: chunkStream.audio,
      type: messageType.audio,
      timestamp: this.#lastAudioMs,
      head,
      body,
    };
  }

  /** A sequence header that is repeated unchanged makes some servers mark a discontinuity: only news are sent. */
  #describe(unit: VideoUnit, timestamp: number, first: boolean, messages: OutgoingMessage[]): void {
    const sps = unit.nalus.find((nalu) => typeOf(nalu) === nalType.sps);
    const pps = unit.nalus.find((nalu) => typeOf(nalu) === nalType.pps);
    if (sps === undefined || pps === undefined || sps.length < 4) {
      if (first)
        throw new Fault("malformed", "Expected an IDR picture with its SPS and PPS as the first unit.");
      return;
    }
    const header = avcSequenceHeader(sps, pps);
    if (this.#avcSequenceHeader?.equals(header) === true) return;
    this.#avcSequenceHeader = header;
    this.#size = sizeOf(sps);
    if (first) messages.push(this.#metadata(sps));
    messages.push(videoMessage(timestamp, header, noBytes));
    if (first && this.#audio !== "none") messages.push(aacHeaderMessage(timestamp, this.#aacConfig));
  }

  #metadata(sps: Uint8Array): OutgoingMessage {
    const properties = new Map<string, AmfValue>([["videocodecid", 7], ...pictureProperties(sps)]);
    if (this.#audio !== "none") {
      properties.set("audiocodecid", 10);
      properties.set("audiosamplerate", this.#aacFormat.sampleRate);
      properties.set("audiosamplesize", 16);
      properties.set("audiochannels", this.#aacFormat.channels);
      properties.set("stereo", this.#aacFormat.channels === 2);
    }
    properties.set("encoder", "spotlive");
    return dataMessage(0, "@setDataFrame", "onMetaData", properties);
  }
}

function videoMessage(timestamp: number, head: Uint8Array, body: Uint8Array): OutgoingMessage {
  return { chunkStream: chunkStream.video, type: messageType.video, timestamp, head, body };
}

function aacHeaderMessage(timestamp: number, config: Uint8Array): OutgoingMessage {
  const head = aacSequenceHeader(config);
  return { chunkStream: chunkStream.audio, type: messageType.audio, timestamp, head, body: noBytes };
}

function durationUs({ sampleRate }: AacFormat): number {
  return Math.round((samplesPerAacUnit * 1_000_000) / sampleRate);
}

/** The size as text; empty where it cannot be read. */
function sizeOf(sps: Uint8Array): string {
  try {
    const { width, height } = parseSps(sps);
    return `${width}x${height}`;
  } catch {
    return "";
  }
}

/** Metadata is for information only: a picture whose SPS we cannot read is sent all the same. */
function pictureProperties(sps: Uint8Array): [string, AmfValue][] {
  try {
    const { width, height, frameRate } = parseSps(sps);
    const size: [string, AmfValue][] = [
      ["width", width],
      ["height", height],
    ];
    return frameRate === undefined ? size : [...size, ["framerate", frameRate]];
  } catch {
    return [];
  }
}

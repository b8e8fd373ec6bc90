import type { Readable, Writable } from "node:stream";
import { Fault } from "../domain/fault.ts";
import type { AudioUnit } from "../domain/media.ts";
import type { Report } from "../domain/status.ts";
import { startChild } from "../lib/child.ts";
import { nowUs } from "../lib/clock.ts";
import { ffmpegArguments } from "../lib/ffmpeg.ts";
import { childSignal } from "../lib/signals.ts";
import { FlvReader } from "../media/flv-reader.ts";
import type { FlvTag } from "../media/flv-reader.ts";
import { OggOpusWriter, opusClockRate, opusPacketSamples } from "../media/ogg-writer.ts";

export interface AudioTranscoderOptions {
  /** Takes the AAC units; must not block or throw. */
  readonly emit: (unit: AudioUnit) => void;
  readonly report: Report;
}

export interface AudioTranscoderCounters {
  /** Opus packets given to ffmpeg. */
  readonly taken: number;
  /** Opus packets dropped because no ffmpeg took them, or because they were damaged. */
  readonly dropped: number;
  /** AAC units given on. */
  readonly emitted: number;
}

export interface AudioTranscoder {
  readonly counters: AudioTranscoderCounters;
  /** Takes one unit of the camera's sound. Never blocks and never throws; AAC is given on as it is. */
  push(unit: AudioUnit): void;
  /** Keeps one ffmpeg going. Resolves when aborted; rejects with a `Fault` when ffmpeg is missing, dies or hangs. */
  run(signal: AbortSignal): Promise<void>;
}

const purpose = "encoding the sound";
/** Several seconds of opus; a healthy ffmpeg leaves nothing waiting. */
const maxWaitingBytes = 32 * 1024;
/** ffmpeg was given sound and has answered nothing for so long: it hangs. */
const hangMs = 5000;
const hangCheckMs = 1000;

/** The camera's opus as AAC-LC, 48 kHz stereo, 128 kbit/s, through one ffmpeg child; its death costs sound only. */
export function createAudioTranscoder({ emit, report }: AudioTranscoderOptions): AudioTranscoder {
  const counters = { taken: 0, dropped: 0, emitted: 0 };
  let current: { readonly stream: OpusStream; readonly stdin: Writable } | undefined;
  let dropping = false;
  let owesSinceUs: number | undefined;
  let lastPtsUs = Number.NEGATIVE_INFINITY;

  const drop = (): void => {
    counters.dropped += 1;
    if (dropping) return;
    dropping = true;
    const text = "The camera's sound is being dropped: ffmpeg does not take it.";
    report({ type: "notice", part: "audio", severity: "warning", text });
  };

  return {
    counters,
    push(unit) {
      if (unit.codec === "aac") return emit(unit);
      if (current === undefined || current.stdin.writableLength > maxWaitingBytes) return drop();
      try {
        current.stdin.write(current.stream.write(unit));
      } catch {
        counters.dropped += 1; // not an opus packet
        return;
      }
      counters.taken += 1;
      dropping = false;
      owesSinceUs ??= nowUs();
    },
    async run(signal) {
      using scope = childSignal(signal);
      const stream = new OpusStream();
      let hangs = false;
      const timer = setInterval(() => {
        if (owesSinceUs === undefined || nowUs() - owesSinceUs < hangMs * 1000) return;
        hangs = true;
        scope.abort();
      }, hangCheckMs);
      try {
        await using child = await startChild("ffmpeg", transcodeArguments(), scope.signal, { purpose });
        child.stdin.write(stream.headers());
        current = { stream, stdin: child.stdin };
        await readAac(child.stdout, (ptsMs, payload, config) => {
          owesSinceUs = undefined;
          lastPtsUs = Math.max(stream.toSessionUs(ptsMs), lastPtsUs + 1);
          counters.emitted += 1;
          emit({ kind: "audio", ptsUs: lastPtsUs, codec: "aac", payload, config });
        });
        await child.done;
        if (signal.aborted) return;
        const what = hangs ? `gave nothing back for ${hangMs / 1000} s` : "ended without being asked to";
        throw new Fault("child-failed", `ffmpeg, ${purpose}, ${what}.`);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        clearInterval(timer);
        current = undefined;
        owesSinceUs = undefined;
      }
    },
  };
}

/**
 * The format is exact, so ffmpeg needs no probing and nothing of the start is thrown away (as `-fflags nobuffer`
 * would). Lost packets are steps in the input's time, which `aresample` fills with silence from 10 ms on.
 */
const transcodeArguments = (): readonly string[] =>
  ffmpegArguments((command) =>
    command
      .input("pipe:0")
      .inputOptions("-probesize", "32", "-analyzeduration", "0", "-f", "ogg")
      .output("pipe:1")
      .audioFilters("aresample=async=1:min_hard_comp=0.01")
      .audioCodec("aac")
      .audioBitrate("128k")
      .audioFrequency(48_000)
      .audioChannels(2)
      .outputOptions("-copyts", "-flush_packets", "1", "-flvflags", "no_duration_filesize", "-f", "flv"),
  );

/** Resolves at the end of `stdout`, however it comes: the child's end tells why. */
async function readAac(
  stdout: Readable,
  take: (ptsMs: number, payload: Uint8Array, config: Uint8Array) => void,
): Promise<void> {
  const reader = new FlvReader();
  let config: Uint8Array | undefined;
  const onTag = (tag: FlvTag): void => {
    if (tag.kind === "aac-config") ({ config } = tag);
    else if (tag.kind === "aac" && config !== undefined) take(tag.ptsMs, tag.payload, config);
  };
  try {
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      for (const tag of reader.push(chunk)) onTag(tag);
    }
  } catch (error) {
    if (error instanceof Fault) throw error;
  }
}

const samplesPerUs = opusClockRate / 1_000_000;
/** A longer gap is not filled with silence: both clocks are set anew instead. */
const maxGapUs = 1_000_000;
/** Where the Ogg clock begins, so that the encoder's priming, one AAC unit before it, is not below zero. */
const startUs = 1_000_000;
/** Half an AAC unit: a unit belongs to the stretch that most of it is in. */
const halfUnitMs = 10;

/** Opus packets as one Ogg stream, and the way back from the stream's clock to the session's. */
class OpusStream {
  readonly #ogg = new OggOpusWriter(1);
  /** Where the last packet ended on the Ogg clock, in samples. */
  #end = Math.round(startUs * samplesPerUs);
  /** From `fromMs` on the Ogg clock, session time is Ogg time plus `offsetUs`. */
  readonly #stretches: { readonly fromMs: number; readonly offsetUs: number }[] = [];
  #lastMs = 0;

  headers(): Buffer {
    return this.#ogg.headers();
  }

  /** The page of one packet. Throws a `Fault` with code `malformed` when it is not an opus packet. */
  write(unit: AudioUnit): Buffer {
    const samples = opusPacketSamples(unit.payload);
    const endUs = this.#end / samplesPerUs;
    const offsetUs = this.#stretches.at(-1)?.offsetUs ?? Number.NEGATIVE_INFINITY;
    const gapUs = unit.ptsUs - offsetUs - endUs;
    if (Math.abs(gapUs) > maxGapUs) {
      this.#stretches.push({ fromMs: endUs / 1000, offsetUs: unit.ptsUs - endUs });
      this.#end += samples;
    } else {
      const end = Math.round((unit.ptsUs - offsetUs) * samplesPerUs) + samples;
      this.#end = Math.max(end, this.#end + 1); // pages must not go back
    }
    return this.#ogg.page(unit.payload, this.#end);
  }

  /** The session time of a time that ffmpeg gave back; those come in rising order and wrap at 31 bits. */
  toSessionUs(flvMs: number): number {
    this.#lastMs += ((flvMs - this.#lastMs) << 1) >> 1;
    while ((this.#stretches[1]?.fromMs ?? Infinity) <= this.#lastMs + halfUnitMs) this.#stretches.shift();
    return Math.round(this.#lastMs * 1000 + (this.#stretches[0]?.offsetUs ?? 0));
  }
}

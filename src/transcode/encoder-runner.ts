import type { Writable } from "node:stream";
import type { VideoUnit } from "../domain/media.ts";
import type { PictureSize } from "./output-size.ts";
import type { PictureWriter } from "./picture-writer.ts";

/** What is known of the input when a process is started. */
export interface EncoderStart {
  readonly size: PictureSize;
  /** Pictures per second that come. */
  readonly sourceFps: number;
  /** Pictures per second that go into the encoder. */
  readonly fps: number;
  /** Milliseconds on the process's clock; pictures before it are decoded, but neither encoded nor shown. */
  readonly showFromMs: number;
  /** The first picture is no IDR. */
  readonly withoutIdr: boolean;
}

/** One picture that came out. */
export interface EncodedPicture extends Pick<VideoUnit, "nalus" | "avcc" | "keyframe"> {
  /** The time it went in with, milliseconds on the process's clock. */
  readonly ptsMs: number;
}

/** A running process that decodes and encodes. Disposal ends it and waits for its end. */
export interface EncoderProcess extends AsyncDisposable {
  readonly stdin: Writable;
  /** Gives what comes out until nothing does any more, or until the signal aborts; the process's end tells why. */
  read(take: (picture: EncodedPicture) => void, signal: AbortSignal): Promise<void>;
  /** As of `Child` (`lib/child.ts`). */
  readonly done: Promise<void>;
  /** Gives the running encoder another bit rate, bits per second; absent where that is not possible. */
  setBitrate?(bitsPerSecond: number): void;
}

/** How the processes of one plan are run. */
export interface EncoderRunner {
  /** The program's name in texts. */
  readonly name: string;
  /** How the pictures are written that go into a process; asked for each process. */
  writer(start: Omit<EncoderStart, "showFromMs">): PictureWriter;
  /** Starts a process; `advance` is to be called when it has done something that is no picture yet. Throws a `Fault`. */
  start(start: EncoderStart, advance: () => void, signal: AbortSignal): Promise<EncoderProcess>;
}

/** What a runner is given besides its plan. */
export interface RunnerContext {
  /** Takes what is not as it should be, as a text for a person. */
  readonly warn: (text: string) => void;
  /** Scheduling priority of the processes, as of `ChildOptions`. */
  readonly priority?: number;
}

/** What the processes are for, in texts. */
export const purpose = "encoding the picture";
/** A stopped or blocked process is killed after twice this, milliseconds. */
export const graceMs = 300;

import { toFault } from "../../domain/fault.ts";
import type { Fault } from "../../domain/fault.ts";
import { CameraClock, startBeat } from "./camera-clock.ts";
import { startEncoder } from "./encoder.ts";
import type { EncodedPicture, Encoder } from "./encoder.ts";
import { isFlashing, loadLoop } from "./loop.ts";
import type { PictureSettings, RobotOptions } from "./options.ts";
import { frameNumberModulus } from "./picture-code.ts";
import { loadSound, soundPacketMs } from "./sound.ts";
import type { Frame } from "./viewer.ts";

export interface CameraHooks {
  hasViewers(): boolean;
  onFrame(frame: Frame): void;
  onSound(packet: Uint8Array, seconds: number): void;
  /** Once a second: the time for sender reports. */
  onSecond(seconds: number, unixSeconds: number): void;
  /** The camera is dead. */
  onFault(fault: Fault): void;
}

type Pictures =
  | { readonly kind: "loop"; readonly pictures: readonly EncodedPicture[] }
  | { readonly kind: "encoder"; readonly encoder: Encoder };

/** What can be changed while it runs. */
export type PictureChange = Partial<Omit<PictureSettings, "fps">>;

/**
 * The camera: plays a loop while nothing is changed, and changes to a running encoder at the first change. The new
 * encoder is started and warmed up before the old source of pictures is left, and begins with an IDR; frame numbers
 * go on.
 */
export class Camera {
  settings: PictureSettings;
  readonly clock: CameraClock;
  /** Frames that were not made because the encoder could not keep up. */
  skipped = 0;
  readonly #hooks: CameraHooks;
  readonly #sound: readonly Uint8Array[];
  readonly #signal: AbortSignal;
  #source: Pictures;
  #screen: string;
  #next: { readonly encoder: Encoder; readonly restart: boolean } | undefined;
  #generation = 0;
  #beats: readonly Disposable[] = [];
  #lastFrame = -1;
  /** The frame at which the film of picture and sound began; moved on by every frame that was not made. */
  #contentStart = 0;
  #number = -1;
  #lastIdr = -1;
  #idrWanted: boolean;
  #restartWanted = false;
  #silentUntil = 0;
  #inOrder: Promise<void> = Promise.resolve();
  #ended: Promise<unknown> = Promise.resolve();

  private constructor(
    options: RobotOptions,
    screen: string,
    source: Pictures,
    sound: readonly Uint8Array[],
    hooks: CameraHooks,
    signal: AbortSignal,
  ) {
    this.settings = options;
    this.#screen = screen;
    this.#source = source;
    this.#sound = sound;
    this.#hooks = hooks;
    this.#signal = signal;
    this.clock = new CameraClock(options.clockSkewPpm);
    this.#idrWanted = options.idr !== "on-pli";
  }

  /** Loads or makes the loop, which takes some seconds the first time, and starts to play. */
  static async start(
    options: RobotOptions,
    screen: string,
    hooks: CameraHooks,
    signal: AbortSignal,
  ): Promise<Camera> {
    const sound = await loadSound(options.cacheDirectory, signal);
    const pictures = await loadLoop(options, screen, options.cacheDirectory, signal);
    const source: Pictures =
      pictures === undefined
        ? { kind: "encoder", encoder: await startEncoder(options, signal) }
        : { kind: "loop", pictures };
    const camera = new Camera(options, screen, source, sound, hooks, signal);
    camera.#run();
    return camera;
  }

  /** Frame numbers count modulo this as long as nothing is changed: the loop's length, or 2^20. */
  get numberModulus(): number {
    return this.#source.kind === "loop" ? this.#source.pictures.length : frameNumberModulus;
  }

  get screen(): string {
    return this.#screen;
  }

  /** Shows another compositor screen within a second. */
  setScreen(screen: string): void {
    if (screen === this.#screen) return;
    this.#screen = screen;
    if (this.#source.kind === "loop") this.#changeEncoder(false);
  }

  /** Encodes differently within a second. Values that are as they were change nothing. */
  change(change: PictureChange): void {
    const before = this.settings;
    this.settings = { ...before, ...change };
    if (JSON.stringify(before) === JSON.stringify(this.settings)) return;
    const onlyIdr =
      JSON.stringify({ ...this.settings, idrInterval: before.idrInterval }) === JSON.stringify(before);
    if (this.#source.kind === "loop" || !onlyIdr) this.#changeEncoder(false);
  }

  /** What a PLI asks for; heeded only in the modes that say so. */
  requestKeyframe(): void {
    const { idr } = this.settings;
    if (idr === "on-pli" || idr === "periodic-or-pli") this.#idrWanted = true;
  }

  /** As if it had been switched off and on, at once or as soon as an encoder of another size runs. */
  restart(size?: { readonly width: number; readonly height: number }): void {
    if (size === undefined) {
      this.#restartWanted = true;
      return;
    }
    this.settings = { ...this.settings, ...size };
    this.#changeEncoder(true);
  }

  /** Makes neither picture nor sound for a while; then goes on with the next frame number. */
  beSilent(milliseconds: number): void {
    this.#silentUntil = this.clock.seconds + milliseconds / 1000;
  }

  async close(): Promise<void> {
    for (const beat of this.#beats) beat[Symbol.dispose]();
    this.#generation += 1;
    await this.#next?.encoder[Symbol.asyncDispose]();
    if (this.#source.kind === "encoder") await this.#source.encoder[Symbol.asyncDispose]();
    await this.#inOrder;
    await this.#ended;
  }

  #changeEncoder(restart: boolean): void {
    this.#generation += 1;
    const generation = this.#generation;
    startEncoder(this.settings, this.#signal).then(
      (encoder) => {
        if (generation === this.#generation) {
          void this.#next?.encoder[Symbol.asyncDispose]();
          this.#next = { encoder, restart: restart || this.#next?.restart === true };
        } else void encoder[Symbol.asyncDispose]();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #run(): void {
    this.#beats = [
      startBeat(this.clock, this.settings.fps, (frame) => this.#makePicture(frame)),
      startBeat(this.clock, 1000 / soundPacketMs, (packet) => this.#playSound(packet)),
      startBeat(this.clock, 1, (second) => {
        const { seconds } = this.clock; // read once: a busy machine may stop us for long between two looks
        if (second >= this.#silentUntil) this.#hooks.onSecond(seconds, this.clock.unixSecondsAt(seconds));
      }),
    ];
  }

  #playSound(index: number): void {
    const start = Math.round((this.#contentStart * 1000) / this.settings.fps / soundPacketMs);
    const packet = this.#sound[Math.max(0, index - start) % this.#sound.length];
    const seconds = (index * soundPacketMs) / 1000;
    if (packet !== undefined && seconds >= this.#silentUntil) this.#hooks.onSound(packet, seconds);
  }

  #makePicture(frame: number): void {
    const seconds = frame / this.settings.fps;
    this.#contentStart += frame - this.#lastFrame - 1;
    this.#lastFrame = frame;
    if (seconds < this.#silentUntil) {
      this.#contentStart += 1;
      return;
    }
    let restart = this.#restartWanted;
    if (this.#next !== undefined) {
      restart ||= this.#next.restart;
      this.#useEncoder(this.#next.encoder);
      this.#next = undefined;
    }
    this.#restartWanted = false;
    if (restart) this.#contentStart = frame;
    if (this.#source.kind === "loop") this.#playLoop(this.#source.pictures, frame, restart);
    else this.#encode(this.#source.encoder, frame, restart);
  }

  #useEncoder(encoder: Encoder): void {
    const before = this.#source;
    if (before.kind === "encoder") {
      // Not before its last pictures are out, and nobody waits for its end but `close`.
      this.#inOrder = this.#inOrder.then(() => {
        this.#ended = Promise.all([this.#ended, before.encoder[Symbol.asyncDispose]()]);
      });
    }
    this.#source = { kind: "encoder", encoder };
    this.#idrWanted = true;
  }

  #playLoop(pictures: readonly EncodedPicture[], frame: number, restart: boolean): void {
    const seconds = frame / this.settings.fps;
    this.#number = (frame - this.#contentStart) % pictures.length;
    const picture = pictures[this.#number];
    if (picture !== undefined) this.#hooks.onFrame({ number: this.#number, seconds, picture, restart });
  }

  #encode(encoder: Encoder, frame: number, restart: boolean): void {
    const seconds = frame / this.settings.fps;
    if (restart) this.#idrWanted = this.#restartWanted = true;
    if (!this.#hooks.hasViewers()) return;
    if (encoder.pending > this.settings.fps / 2) {
      this.skipped += 1;
      return;
    }
    this.#restartWanted = false;
    this.#number = (this.#number + 1) % frameNumberModulus;
    const number = this.#number;
    const { idr: mode, idrInterval } = this.settings;
    const isPeriodic = mode === "periodic" || mode === "periodic-or-pli";
    const isDue = isPeriodic && frame - this.#lastIdr >= idrInterval;
    const idr = this.#idrWanted || isDue;
    if (idr) this.#lastIdr = frame;
    this.#idrWanted = false;
    const flashing = isFlashing(frame - this.#contentStart, this.settings.fps);
    const made = encoder.encode({ number, screen: this.#screen, flashing, idr });
    made.catch(() => {}); // awaited in order below
    this.#inOrder = this.#inOrder
      .then(async () => this.#hooks.onFrame({ number, seconds, picture: await made, restart }))
      .catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    if (!this.#signal.aborted) this.#hooks.onFault(toFault(error));
  }
}

import { join } from "node:path";
import type { CameraControl, StreamSettings } from "../../domain/camera.ts";
import { toFault } from "../../domain/fault.ts";
import type { Fault } from "../../domain/fault.ts";
import type { Report } from "../../domain/status.ts";
import { readFileIfThere, removeFile, writeFileAtomic } from "../../lib/atomic-file.ts";
import { nowUs } from "../../lib/clock.ts";

export interface EncoderOptions {
  /** Puts back at the end what was found at the start: the settings are global on the robot. */
  readonly restoreOnExit: boolean;
  /** What the camera's own congestion control is set to at the end: there is no way to ask what it was. */
  readonly congestionControlAfter: boolean;
  /** Where what was found is kept, so that a power cut does not make our settings the camera's own. */
  readonly stateDirectory: string;
}

const answerMs = 5000;
const restoreMs = 3000;
/** After a failure, as the robot may be away. */
const againMs = 2000;

/**
 * Owns the settings of the camera's encoder while a session runs: what is wanted of it, from the cap, the verdict and
 * the uplink, is merged here and asked for one call at a time, the newest wish first. A camera that refuses is only
 * watched from then on.
 */
export class EncoderSettings {
  readonly #camera: CameraControl | undefined;
  readonly #options: EncoderOptions;
  readonly #report: Report;
  readonly #path: string;
  #wanted: StreamSettings = {};
  /** What the camera said last that it does. */
  #applied: StreamSettings = {};
  #found: StreamSettings | undefined;
  #isOwner = false;
  /** The camera has left its encoder to us since the last `takeOver`. */
  #isTaken = false;
  #refused = false;
  #failedUs = Number.NEGATIVE_INFINITY;
  #againTimer: NodeJS.Timeout | undefined;
  #lane: Promise<void> = Promise.resolve();
  /** Turns in the lane that have not ended. */
  #turns = 0;
  /** Gives up what is being asked for when the encoder is given back. */
  #asking = new AbortController();

  constructor(camera: CameraControl | undefined, options: EncoderOptions, report: Report) {
    this.#camera = camera;
    this.#options = options;
    this.#report = report;
    this.#path = join(options.stateDirectory, "camera-settings.json");
  }

  /** Whether anything can be asked of this camera's encoder. */
  get isControllable(): boolean {
    return this.#camera !== undefined && !this.#refused;
  }

  /** What was set before we came; undefined until it was read. */
  get found(): StreamSettings | undefined {
    return this.#found;
  }

  /**
   * Takes the encoder over, or again after the camera was away: it may have forgotten everything. Resolves when all is
   * asked for, or the camera has failed: it is asked again after a while.
   */
  takeOver(): Promise<void> {
    if (!this.#isOwner) this.#asking = new AbortController();
    this.#isOwner = true;
    return this.#inTurn(() => {
      this.#applied = {};
      this.#isTaken = false;
    });
  }

  /** Wants these values from now on; asks for them where the camera has others. Never blocks and never throws. */
  want(settings: StreamSettings): void {
    this.#wanted = { ...this.#wanted, ...settings };
    if (!this.#isOwner || this.#turns > 0 || !this.isControllable) return;
    if (this.#isTaken && Object.keys(this.#missing()).length === 0) return;
    if (nowUs() - this.#failedUs >= againMs * 1000) void this.#inTurn();
  }

  /** Gives the encoder back, with the values found at the start where that is wanted. */
  async release(): Promise<void> {
    if (!this.#isOwner) return;
    this.#isOwner = false;
    this.#wanted = {};
    clearTimeout(this.#againTimer);
    this.#asking.abort();
    this.#lane = this.#lane.then(() => this.#putBack());
    await this.#lane;
  }

  async #putBack(): Promise<void> {
    const [camera, found] = [this.#camera, this.#found];
    if (this.#isOwner || camera === undefined || found === undefined) return; // ours again already, or never was
    if (this.#refused || !this.#options.restoreOnExit) return;
    const signal = AbortSignal.timeout(restoreMs);
    try {
      await camera.setStream(found, signal);
      await camera.setCongestionControl(this.#options.congestionControlAfter, signal);
      this.#found = undefined;
      await removeFile(this.#path);
    } catch (error) {
      this.#warn(`The camera's own settings could not be put back: ${toFault(error).message}`);
    }
  }

  #missing(): StreamSettings {
    const entries = Object.entries(this.#wanted).filter(
      ([name, value]) => this.#applied[name as keyof StreamSettings] !== value,
    );
    return Object.fromEntries(entries);
  }

  /** Makes the camera's encoder ours, where it is not, and asks for what it has not got. */
  async #send(camera: CameraControl, signal: AbortSignal): Promise<void> {
    if (this.#found === undefined) await this.#remember(camera, signal);
    if (!this.#isTaken) await camera.setCongestionControl(false, signal);
    this.#isTaken = true;
    while (this.#isOwner) {
      const missing = this.#missing();
      if (Object.keys(missing).length === 0) return;
      const answer = await camera.setStream(missing, signal);
      // What was asked for counts as done: a camera that takes another value would be asked for ever.
      this.#applied = { ...this.#applied, ...answer, ...missing };
      if (missing.idrInterval !== undefined || missing.refreshInterval !== undefined) this.#tell(missing);
    }
  }

  /** What was found before a power cut is what the camera had of its own: what it has now is ours. */
  async #remember(camera: CameraControl, signal: AbortSignal): Promise<void> {
    const kept = await readFileIfThere(this.#path).catch(() => undefined);
    const known = kept === undefined ? undefined : parseSettings(kept);
    const now = await camera.readStream(signal);
    this.#applied = now;
    this.#found = known ?? now;
    if (!this.#options.restoreOnExit || known !== undefined) return;
    await writeFileAtomic(this.#path, `${JSON.stringify(now)}\n`).catch((error: unknown) =>
      this.#warn(`The camera's own settings cannot be kept in ${this.#path}: ${toFault(error).message}`),
    );
  }

  /** Sends what is wanted when all that was begun before has ended; `before` is done first. */
  #inTurn(before = (): void => {}): Promise<void> {
    const camera = this.#camera;
    if (camera === undefined) return Promise.resolve();
    this.#turns += 1;
    this.#lane = this.#lane.then(async () => {
      try {
        before();
        const signal = AbortSignal.any([this.#asking.signal, AbortSignal.timeout(answerMs)]);
        if (this.#isOwner && !this.#refused) await this.#send(camera, signal);
      } catch (error) {
        this.#noteFailure(toFault(error));
      } finally {
        this.#turns -= 1;
      }
    });
    return this.#lane;
  }

  #noteFailure(fault: Fault): void {
    if (fault.code === "permission-denied" || fault.code === "not-supported") {
      this.#refused = true;
      this.#warn(`${fault.message} The stream goes on with the camera's own settings.`);
    } else if (this.#isOwner) {
      this.#failedUs = nowUs();
      clearTimeout(this.#againTimer);
      this.#againTimer = setTimeout(() => this.want({}), againMs);
    }
  }

  /** Bit rates are told by whoever changes them every few seconds. */
  #tell({ idrInterval, refreshInterval }: StreamSettings): void {
    const parts = [
      ...(idrInterval === undefined ? [] : [`an IDR picture every ${idrInterval} frames`]),
      ...(refreshInterval === undefined ? [] : [`a refreshed picture every ${refreshInterval} frames`]),
    ];
    const text = `The camera was asked for ${parts.join(" and ")}.`;
    this.#report({ type: "notice", part: "camera", severity: "info", text });
  }

  #warn(text: string): void {
    this.#report({ type: "notice", part: "camera", severity: "warning", text });
  }
}

const names = ["targetBitrate", "idrInterval", "refreshInterval"] as const;

/** Reads what was kept; undefined for anything else. Total. */
export function parseSettings(text: string): StreamSettings | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    const fields: Readonly<Record<string, unknown>> = { ...value };
    const numbers = names.flatMap((name) => {
      const field = fields[name];
      return typeof field === "number" && Number.isFinite(field) && field >= 0
        ? [[name, field] as const]
        : [];
    });
    return numbers.length === 0 ? undefined : Object.fromEntries(numbers);
  } catch {
    return undefined;
  }
}

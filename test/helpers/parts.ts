import type { CameraAction, CameraControl, CameraState, StreamSettings } from "../../src/domain/camera.ts";
import type { Output, Source, Unit, VideoUnit } from "../../src/domain/media.ts";
import { Fault } from "../../src/domain/fault.ts";
import { untilAborted } from "../../src/lib/signals.ts";
import type { CreateTranscoder, Transcoder, TranscoderRequest } from "../../src/domain/transcoder.ts";
import { videoUnit } from "./units.ts";

/** A source that the test drives by hand. */
export interface HandSource extends Source {
  /** Runs that were begun. */
  readonly runs: number;
  emit(unit: Unit): void;
  fail(fault: Fault): void;
  keyframeRequests: number;
}

export function createHandSource(): HandSource {
  let runs = 0;
  let emitUnit: ((unit: Unit) => void) | undefined;
  let rejectRun: ((fault: Fault) => void) | undefined;
  const source: HandSource = {
    name: "hand",
    keyframeRequests: 0,
    get runs() {
      return runs;
    },
    emit: (unit) => emitUnit?.(unit),
    fail: (fault) => rejectRun?.(fault),
    requestKeyframe() {
      source.keyframeRequests += 1;
    },
    async run(emit, signal) {
      runs += 1;
      emitUnit = emit;
      await new Promise<void>((resolve, reject) => {
        rejectRun = reject;
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    },
  };
  return source;
}

/** An output that keeps what it is given, or fails each run with the fault it is told to. */
export interface ListOutput extends Output {
  readonly units: Unit[];
  readonly runs: number;
  fault: Fault | undefined;
}

export function createListOutput(name: string): ListOutput {
  let runs = 0;
  const output: ListOutput = {
    name,
    units: [],
    fault: undefined,
    get runs() {
      return runs;
    },
    async run(units, signal) {
      runs += 1;
      if (output.fault !== undefined) throw output.fault;
      const iterator = units[Symbol.asyncIterator]();
      const aborted = new Promise<undefined>((resolve) =>
        signal.addEventListener("abort", () => resolve(undefined), { once: true }),
      );
      for (;;) {
        const next = await Promise.race([iterator.next(), aborted]);
        if (next === undefined || next.done === true) return;
        output.units.push(next.value);
      }
    },
  };
  return output;
}

/** A camera whose moves and answers the test can hold back, and that fails while it is told to. */
export interface HandCamera extends CameraControl {
  readonly actions: CameraAction[];
  readonly streamSettings: StreamSettings[];
  /** What was asked about the encoder, one line each. */
  readonly calls: string[];
  /** What the encoder is set to. */
  stream: StreamSettings;
  congestionControl: boolean | undefined;
  /** What every call about the encoder fails with. */
  fault: Fault | undefined;
  hold(): void;
  release(): void;
  /** Keeps answers about the encoder back until the function given is called, or the call is given up. */
  holdStream(): () => void;
}

export function createHandCamera(): HandCamera {
  let gate: PromiseWithResolvers<void> | undefined;
  let streamGate: PromiseWithResolvers<void> | undefined;
  const state: CameraState = { can: ["ptz", "bitrate", "idr"], presets: [] };
  const answer = async (call: string, signal: AbortSignal): Promise<void> => {
    camera.calls.push(call);
    if (streamGate !== undefined) await Promise.race([streamGate.promise, untilAborted(signal)]);
    if (signal.aborted) throw new Fault("robot-unreachable", "Given up.");
    if (camera.fault !== undefined) throw camera.fault;
  };
  const camera: HandCamera = {
    can: new Set(["ptz", "bitrate", "idr"] as const),
    actions: [],
    streamSettings: [],
    calls: [],
    stream: { targetBitrate: 8_000_000, idrInterval: 90 },
    congestionControl: undefined,
    fault: undefined,
    hold: () => (gate = Promise.withResolvers()),
    release: () => gate?.resolve(),
    holdStream: () => {
      const held = (streamGate = Promise.withResolvers<void>());
      return () => {
        held.resolve();
        if (streamGate === held) streamGate = undefined;
      };
    },
    read: () => Promise.resolve(state),
    async readStream(signal) {
      await answer("read", signal);
      return camera.stream;
    },
    async setCongestionControl(on, signal) {
      await answer(`congestion ${on ? "on" : "off"}`, signal);
      camera.congestionControl = on;
    },
    async setStream(settings, signal) {
      await answer(`set ${JSON.stringify(settings)}`, signal);
      camera.streamSettings.push(settings);
      camera.stream = { ...camera.stream, ...settings };
      return settings;
    },
    async act(action) {
      camera.actions.push(action);
      await gate?.promise;
      return state;
    },
  };
  return camera;
}

/** An encoder of which the test gives the pictures. */
export interface HandTranscoder extends Transcoder {
  /** Whether it takes another bit rate while it runs; false at first. */
  takesRates: boolean;
  /** The rates that it was told, bits per second. */
  readonly rates: number[];
  readonly request: TranscoderRequest;
  /** What it was given. */
  readonly pushed: VideoUnit[];
  /** Runs that were begun and have not ended. */
  readonly running: number;
  fail(fault: Fault): void;
  /** Ends every drain. */
  settle(): void;
}

/** Makes encoders, and keeps them. */
export function createHandTranscoders(): {
  readonly create: CreateTranscoder;
  readonly made: HandTranscoder[];
} {
  const made: HandTranscoder[] = [];
  const create: CreateTranscoder = (request) => {
    let running = 0;
    const settled = Promise.withResolvers<void>();
    let reject: ((fault: Fault) => void) | undefined;
    const transcoder: HandTranscoder = {
      request,
      pushed: [],
      takesRates: false,
      rates: [],
      get running() {
        return running;
      },
      push: (unit) => void transcoder.pushed.push(unit),
      async run(signal) {
        running += 1;
        const failed = new Promise<never>((_resolve, onFault) => (reject = onFault));
        try {
          await Promise.race([failed, untilAborted(signal)]);
        } finally {
          running -= 1;
        }
      },
      setBitrate(bitsPerSecond) {
        transcoder.rates.push(bitsPerSecond);
        return transcoder.takesRates;
      },
      drain: () => settled.promise,
      fail: (fault) => reject?.(fault),
      settle: () => settled.resolve(),
    };
    made.push(transcoder);
    return transcoder;
  };
  return { create, made };
}

export const keyframe = (ms = 0): Unit => videoUnit(ms, true);

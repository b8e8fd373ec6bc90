import type { CameraAction, CameraControl, CameraState, StreamSettings } from "../../src/domain/camera.ts";
import type { Output, Source, Unit } from "../../src/domain/media.ts";
import type { Fault } from "../../src/domain/fault.ts";
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

/** A camera whose moves the test can hold back. */
export interface HandCamera extends CameraControl {
  readonly actions: CameraAction[];
  readonly streamSettings: StreamSettings[];
  hold(): void;
  release(): void;
}

export function createHandCamera(): HandCamera {
  let gate: PromiseWithResolvers<void> | undefined;
  const state: CameraState = { can: ["ptz", "bitrate", "idr"], presets: [] };
  const camera: HandCamera = {
    can: new Set(["ptz", "bitrate", "idr"] as const),
    actions: [],
    streamSettings: [],
    hold: () => (gate = Promise.withResolvers()),
    release: () => gate?.resolve(),
    read: () => Promise.resolve(state),
    async setStream(settings) {
      camera.streamSettings.push(settings);
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

export const keyframe = (ms = 0): Unit => videoUnit(ms, true);

/** Waits until a condition holds; the test's own limit ends it otherwise. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

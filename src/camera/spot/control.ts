import type {
  CameraAbility,
  CameraAction,
  CameraControl,
  CameraPosition,
  CameraState,
} from "../../domain/camera.ts";
import { Fault, toFault } from "../../domain/fault.ts";
import { nowUs } from "../../lib/clock.ts";
import { readScreens, showScreen } from "./compositor.ts";
import { readLights, setLights } from "./lighting.ts";
import { moveBy, moveTo, wrapDegrees } from "./ptz-position.ts";
import type { PtzBounds } from "./ptz-position.ts";
import { readPtz, setPtzPosition } from "./ptz.ts";
import { TokenBucket } from "./rate-limit.ts";
import { RobotLink } from "./robot-link.ts";
import type { RobotLinkOptions } from "./robot-link.ts";
import { getStreamSettings, setCongestionControl, setStreamSettings } from "./stream-quality.ts";

export interface SpotControlOptions extends Pick<RobotLinkOptions, "robot" | "tokens"> {
  /** The PTZ to move, default `mech`; the first that the robot lists where it does not have this one. */
  readonly ptz?: string;
  /** Positions by name, in degrees and zoom factors; an absent field stays as it is. */
  readonly presets?: Readonly<Record<string, Partial<CameraPosition>>>;
  /** Actions that are let through in the long run; default 120. */
  readonly actionsPerMinute?: number;
  /** Actions that are let through at once; default 5. */
  readonly burst?: number;
  /** Milliseconds without a call after which the connection is closed; default 60000. */
  readonly idleMs?: number;
}

export interface SpotControl extends CameraControl, Disposable {}

/** What was read of the camera; a part that it does not have or does not give us is absent. */
interface Readings {
  readonly position?: CameraPosition;
  readonly screens?: readonly string[];
  readonly screen?: string;
  readonly lights?: number;
  readonly hasStreamQuality?: true;
}

/** A PTZ needs this long for the longest way (180 degrees at 100 degrees a second, and the zoom). */
const movingUs = 3_000_000;

/**
 * The controls of a Spot CAM: PTZ, compositor, lights, encoder. They need a user's token and no lease, and move
 * nothing of the robot but its camera. Disposal closes the connection.
 *
 * One action at a time: the caller must wait for one before it asks for the next, as two moves at once would both
 * start from the same position and the first be lost. `read` and `setStream` may run beside an action.
 */
export function createSpotControl(options: SpotControlOptions): SpotControl {
  const { ptz: ptzName = "mech", presets = {}, actionsPerMinute = 120, burst = 5, idleMs = 60_000 } = options;
  const link = new RobotLink({ robot: options.robot, tokens: options.tokens, idleMs });
  const limit = new TokenBucket(burst, actionsPerMinute);
  let readings: Readings = {};
  let isStale = true;
  let newest: { readonly target: CameraPosition; readonly sentUs: number } | undefined;

  async function readAll(signal: AbortSignal): Promise<Readings> {
    const parts = await Promise.all(
      [readPosition, readScreenPart, readLightsPart, readStreamPart].map((read) =>
        read(signal).catch(faultOfPart),
      ),
    );
    const faults = parts.filter((part) => part instanceof Fault);
    if (faults.length === parts.length && !faults.some(({ code }) => code === "permission-denied")) {
      throw faults[0] ?? new Fault("camera-missing", "The camera has no controls.");
    }
    return Object.assign({}, ...parts.filter((part) => !(part instanceof Fault))) as Readings;
  }

  async function refresh(signal: AbortSignal): Promise<void> {
    readings = await readAll(signal);
    isStale = false;
  }

  async function readPosition(signal: AbortSignal): Promise<Readings> {
    const { position } = await link.use("ptz", signal, (service) => readPtz(service, ptzName, signal));
    return { position };
  }

  async function readScreenPart(signal: AbortSignal): Promise<Readings> {
    return await link.use("compositor", signal, (service) => readScreens(service, signal));
  }

  async function readLightsPart(signal: AbortSignal): Promise<Readings> {
    return { lights: await link.use("lighting", signal, (service) => readLights(service, signal)) };
  }

  async function readStreamPart(signal: AbortSignal): Promise<Readings> {
    await link.use("streamQuality", signal, (service) => getStreamSettings(service, signal));
    return { hasStreamQuality: true };
  }

  /** Carries out one action and gives what it has changed. */
  async function perform(action: CameraAction, signal: AbortSignal): Promise<Readings> {
    switch (action.kind) {
      case "look": {
        const { pan, tilt, zoom } = action;
        return await move((from, bounds) => moveBy(from, { pan, tilt, zoom }, bounds), signal);
      }
      case "goto":
        return await move((from, bounds) => moveTo(from, action.position, bounds), signal);
      case "preset": {
        const preset = findPreset(presets, action.name);
        return await move((from, bounds) => moveTo(from, preset, bounds), signal);
      }
      case "screen":
        return await link.use("compositor", signal, (service) => showScreen(service, action.name, signal));
      case "lights":
        await link.use("lighting", signal, (service) => setLights(service, action.brightness, signal));
        return { lights: action.brightness };
    }
  }

  /**
   * Reads and sets in two uses of the link, so that a call that is tried again never adds twice. A camera that still
   * moves tells a place on its way: the next move then starts from where it is going, or it would stop half-way.
   */
  async function move(
    next: (from: CameraPosition, bounds: PtzBounds) => CameraPosition,
    signal: AbortSignal,
  ): Promise<Readings> {
    const ptz = await link.use("ptz", signal, (service) => readPtz(service, ptzName, signal));
    const isMoving = newest !== undefined && nowUs() - newest.sentUs < movingUs;
    const target = next(isMoving && newest !== undefined ? newest.target : ptz.position, ptz.bounds);
    await link.use("ptz", signal, (service) => setPtzPosition(service, ptz.name, target, signal));
    newest = { target, sentUs: nowUs() };
    return { position: target };
  }

  return {
    get can() {
      return new Set(abilities(readings));
    },
    async read(signal) {
      await refresh(signal);
      return describe(readings, presets);
    },
    async readStream(signal) {
      return await link.use("streamQuality", signal, (service) => getStreamSettings(service, signal));
    },
    async setStream(settings, signal) {
      return await link.use("streamQuality", signal, (service) =>
        setStreamSettings(service, settings, signal),
      );
    },
    async setCongestionControl(on, signal) {
      await link.use("streamQuality", signal, (service) => setCongestionControl(service, on, signal));
    },
    async act(action, signal) {
      const waitMs = limit.take(nowUs());
      if (waitMs > 0) {
        const text = `The camera takes ${actionsPerMinute} actions a minute and ${burst} at once; ask again in ${(waitMs / 1000).toFixed(1)} s.`;
        throw new Fault("rate-limited", text);
      }
      try {
        if (isStale) await refresh(signal);
        const changed = await perform(action, signal);
        readings = { ...readings, ...changed };
        return describe(readings, presets);
      } catch (error) {
        const fault = toFault(error);
        isStale ||= fault.code === "permission-denied" || fault.code === "camera-missing";
        throw fault;
      }
    },
    [Symbol.dispose]: () => link[Symbol.dispose](),
  };
}

/** A part that the camera lacks or keeps from us leaves the others alone; anything else concerns them all. */
function faultOfPart(error: unknown): Fault {
  const fault = toFault(error);
  if (isLeftOut(fault)) return fault;
  throw fault;
}

function isLeftOut({ code }: Fault): boolean {
  return ["permission-denied", "camera-missing", "not-supported", "robot-error"].includes(code);
}

function abilities({ hasStreamQuality, position, screens, lights }: Readings): readonly CameraAbility[] {
  return [
    ...(hasStreamQuality ? (["bitrate", "idr"] as const) : []),
    ...(position ? (["ptz"] as const) : []),
    ...(screens ? (["screens"] as const) : []),
    ...(lights === undefined ? [] : (["lights"] as const)),
  ];
}

function describe(
  readings: Readings,
  presets: Readonly<Record<string, Partial<CameraPosition>>>,
): CameraState {
  const { hasStreamQuality: _, position, ...parts } = readings;
  return {
    can: abilities(readings),
    ...(position && { position: { ...position, pan: wrapDegrees(position.pan) } }),
    ...parts,
    presets: Object.keys(presets),
  };
}

function findPreset(
  presets: Readonly<Record<string, Partial<CameraPosition>>>,
  name: string,
): Partial<CameraPosition> {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset !== undefined) return preset;
  const known = Object.keys(presets).join(", ") || "none, as the configuration has no presets";
  throw new Fault("usage", `Expected one of the presets ${known}; got ${JSON.stringify(name)}.`);
}

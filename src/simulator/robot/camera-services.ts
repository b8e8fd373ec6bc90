import { Fault } from "../../domain/fault.ts";
import type {
  PtzDescription,
  PtzLimits,
  PtzPosition,
  Sent,
  StreamParams,
  WrappedNumber,
} from "../../domain/spot/messages.ts";
import {
  awbMode,
  compositorService,
  lightingService,
  ptzService,
  streamQualityService,
} from "../../lib/spot-protocol.ts";
import { cameraAuthority } from "./base-services.ts";
import type { cameraServices } from "./base-services.ts";
import type { Camera } from "./camera.ts";
import type { RobotOptions } from "./options.ts";
import type { Door, RpcServer } from "./rpc.ts";

/** The screen that a camera shows when it is switched on. */
export const firstScreen = "mech_full";

const screens = [
  "c0",
  "c1",
  "c2",
  "c3",
  "c4",
  "digi",
  "digi_overlay",
  "digi_full",
  "pano_full",
  "mech",
  "mech_overlay",
  firstScreen,
];

/** What clients have set and nobody sees in the picture. */
export interface CameraControls {
  readonly congestionControl: boolean;
}

/** Adds what a Spot CAM brings: all of it acts on the one picture that every viewer gets. */
export function addCameraServices(
  server: RpcServer,
  options: RobotOptions,
  camera: Camera,
  servicesRun: () => boolean,
): CameraControls {
  const door = (service: keyof typeof cameraServices): Door => ({
    authority: () => (servicesRun() ? cameraAuthority(service) : undefined),
    admits: (bearer) => bearer.kind === "user" || options.payloadMayControl,
  });
  const controls = { congestionControl: false };
  addStreamQuality(server, door("streamQuality"), camera, controls);
  addPtz(server, door("ptz"));
  addCompositor(server, door("compositor"), camera);
  addLighting(server, door("lighting"));
  return controls;
}

function addStreamQuality(
  server: RpcServer,
  door: Door,
  camera: Camera,
  controls: { congestionControl: boolean },
): void {
  let extra: Sent<StreamParams> = { awb: { awb: awbMode.auto }, autoExposure: {} };
  const params = (): Sent<StreamParams> => ({
    targetbitrate: { value: camera.settings.bitrate },
    refreshinterval: { value: camera.settings.refreshInterval },
    idrinterval: { value: camera.settings.idrInterval },
    ...extra,
  });
  server.addService(streamQualityService, door, {
    GetStreamParams: () => ({ params: params() }),
    SetStreamParams({ params: wanted }) {
      if (wanted === null) throw invalid("stream parameters to set");
      camera.change({
        ...setting("bitrate", wanted.targetbitrate, 100_000, 50_000_000),
        ...setting("refreshInterval", wanted.refreshinterval, 1, 100_000),
        ...setting("idrInterval", wanted.idrinterval, 1, 100_000),
      });
      const { awb, autoExposure, syncExposure, manualExposure } = wanted;
      if (awb !== null) extra = { ...extra, awb };
      const exposure = { autoExposure, syncExposure, manualExposure };
      if (Object.values(exposure).some((one) => one !== undefined)) extra = { awb: extra.awb, ...exposure };
      return { params: params() };
    },
    EnableCongestionControl({ enableCongestionControl }) {
      controls.congestionControl = enableCongestionControl;
      return {};
    },
  });
}

function setting<Name extends string>(
  name: Name,
  wanted: WrappedNumber | null,
  least: number,
  most: number,
): Partial<Record<Name, number>> {
  if (wanted === null) return {};
  const change: Partial<Record<Name, number>> = {};
  change[name] = clamp(wanted.value, least, most);
  return change;
}

function addPtz(server: RpcServer, door: Door): void {
  const positions = new Map<string, { pan: number; tilt: number; zoom: number }>();
  for (const { name } of ptzs) positions.set(name, { pan: 0, tilt: 0, zoom: 1 });
  const find = (description: PtzDescription | null): Ptz => {
    const found = ptzs.find(({ name }) => name === description?.name);
    if (found === undefined) throw invalid(`one of the cameras ${ptzs.map(({ name }) => name).join(", ")}`);
    return found;
  };
  const position = (ptz: Ptz): Sent<PtzPosition> => {
    const { pan, tilt, zoom } = positions.get(ptz.name) ?? { pan: 0, tilt: 0, zoom: 1 };
    return { ptz: { name: ptz.name }, pan: { value: pan }, tilt: { value: tilt }, zoom: { value: zoom } };
  };
  server.addService(ptzService, door, {
    ListPtz: () => ({ ptzs: ptzs.map(describePtz) }),
    GetPtzPosition: ({ ptz }) => ({ position: position(find(ptz)) }),
    SetPtzPosition({ position: wanted }) {
      const ptz = find(wanted?.ptz ?? null);
      const before = positions.get(ptz.name) ?? { pan: 0, tilt: 0, zoom: 1 };
      positions.set(ptz.name, {
        pan: turn(wanted?.pan?.value ?? before.pan),
        tilt: clamp(wanted?.tilt?.value ?? before.tilt, ptz.tilt.min, ptz.tilt.max),
        zoom: clamp(wanted?.zoom?.value ?? before.zoom, ptz.zoom.min, ptz.zoom.max),
      });
      return { position: position(ptz) };
    },
  });
}

/** Pan goes round and round: its limits are absent for one camera and both 0 for the other, which means the same. */
const ptzs: readonly Ptz[] = [
  { name: "mech", tilt: { min: -30, max: 90 }, zoom: { min: 1, max: 25 }, panLimit: undefined },
  {
    name: "digi",
    tilt: { min: -90, max: 90 },
    zoom: { min: 1, max: 30 },
    panLimit: { min: { value: 0 }, max: { value: 0 } },
  },
];

interface Range {
  readonly min: number;
  readonly max: number;
}

interface Ptz {
  readonly name: string;
  readonly tilt: Range;
  readonly zoom: Range;
  readonly panLimit: Sent<PtzLimits> | undefined;
}

function describePtz({ name, tilt, zoom, panLimit }: Ptz): Sent<PtzDescription> {
  const limit = ({ min, max }: Range): Sent<PtzLimits> => ({ min: { value: min }, max: { value: max } });
  return { name, panLimit, tiltLimit: limit(tilt), zoomLimit: limit(zoom) };
}

function addCompositor(server: RpcServer, door: Door, camera: Camera): void {
  server.addService(compositorService, door, {
    ListScreens: () => ({ screens: screens.map((name) => ({ name })) }),
    GetScreen: () => ({ name: camera.screen }),
    SetScreen({ name }) {
      if (!screens.includes(name)) throw invalid(`one of the screens ${screens.join(", ")}`);
      camera.setScreen(name);
      return { name };
    },
  });
}

function addLighting(server: RpcServer, door: Door): void {
  const lights = [0, 0, 0, 0];
  server.addService(lightingService, door, {
    GetLEDBrightness: () => ({ brightnesses: [...lights] }),
    SetLEDBrightness({ brightnesses }) {
      for (const [index, value] of Object.entries(brightnesses)) {
        if (!(Number(index) in lights)) throw invalid("a light from 0 to 3");
        lights[Number(index)] = clamp(value, 0, 1);
      }
      return {};
    },
  });
}

function turn(degrees: number): number {
  return Number.isFinite(degrees) ? ((degrees % 360) + 360) % 360 : 0;
}

function clamp(value: number, least: number, most: number): number {
  return Number.isFinite(value) ? Math.min(most, Math.max(least, value)) : least;
}

function invalid(expected: string): Fault {
  return new Fault("malformed", `The robot expected ${expected}.`);
}

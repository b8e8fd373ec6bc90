import type { CameraPosition } from "../../domain/camera.ts";
import { Fault } from "../../domain/fault.ts";
import { ptzService } from "../../lib/spot-protocol.ts";
import { readBounds } from "./ptz-position.ts";
import type { PtzBounds } from "./ptz-position.ts";
import { callService } from "./robot-link.ts";
import type { ReachedService } from "./robot-link.ts";

/** A pan-tilt-zoom camera of the robot: `mech` moves, others (`digi`, `pano`) cut their view out of a wider one. */
export interface Ptz {
  readonly name: string;
  readonly bounds: PtzBounds;
  /** Where it looks now, also while it is moving. */
  readonly position: CameraPosition;
}

/**
 * Reads the PTZ called `name`, or the first that the robot lists where it has none of that name.
 * Throws `not-supported` where it lists none, besides what a call can throw.
 */
export async function readPtz(service: ReachedService, name: string, signal: AbortSignal): Promise<Ptz> {
  const { ptzs } = await callService(service, ptzService.ListPtz, {}, signal);
  const description = ptzs.find((ptz) => ptz.name === name) ?? ptzs[0];
  if (description === undefined) throw new Fault("not-supported", "This robot's camera has no PTZ.");
  const { position } = await callService(
    service,
    ptzService.GetPtzPosition,
    { ptz: { name: description.name } },
    signal,
  );
  const read = (value: number | undefined): number => {
    if (value !== undefined && Number.isFinite(value)) return Math.round(value * 1000) / 1000;
    throw new Fault("robot-error", `The robot does not tell where its PTZ ${description.name} looks.`);
  };
  return {
    name: description.name,
    bounds: readBounds(description),
    position: {
      pan: read(position?.pan?.value),
      tilt: read(position?.tilt?.value),
      zoom: read(position?.zoom?.value),
    },
  };
}

/** Sends a PTZ to a position. `mech` takes positions only, no velocities. */
export async function setPtzPosition(
  service: ReachedService,
  name: string,
  { pan, tilt, zoom }: CameraPosition,
  signal: AbortSignal,
): Promise<void> {
  const position = { ptz: { name }, pan: { value: pan }, tilt: { value: tilt }, zoom: { value: zoom } };
  await callService(service, ptzService.SetPtzPosition, { position }, signal);
}

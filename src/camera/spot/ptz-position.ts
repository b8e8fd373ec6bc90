import type { CameraPosition } from "../../domain/camera.ts";
import { Fault } from "../../domain/fault.ts";
import type { PtzDescription, PtzLimits } from "../../domain/spot/messages.ts";

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Where a PTZ can look: degrees and zoom factors. Without a range for pan it goes round and round. */
export interface PtzBounds {
  readonly pan: Range | undefined;
  readonly tilt: Range;
  readonly zoom: Range;
}

const straightDownToStraightUp: Range = { min: -90, max: 90 };
const usualZoom: Range = { min: 1, max: 30 };

/** Limits that are absent or both 0 mean "unlimited"; tilt and zoom then get those of the known cameras. */
export function readBounds({ panLimit, tiltLimit, zoomLimit }: PtzDescription): PtzBounds {
  return {
    pan: readRange(panLimit),
    tilt: readRange(tiltLimit) ?? straightDownToStraightUp,
    zoom: readRange(zoomLimit) ?? usualZoom,
  };
}

/** Adds degrees and multiplies the zoom. Pan wraps where it is unlimited; everything else stops at its limits. */
export function moveBy(from: CameraPosition, delta: CameraPosition, bounds: PtzBounds): CameraPosition {
  expectNumbers(delta);
  return fit(
    {
      pan: (bounds.pan === undefined ? from.pan : turnInto(from.pan, bounds.pan)) + delta.pan,
      tilt: from.tilt + delta.tilt,
      zoom: from.zoom * delta.zoom,
    },
    bounds,
  );
}

/** Goes to what is given and keeps the rest, within the limits. A pan is also met a whole turn away. */
export function moveTo(from: CameraPosition, to: Partial<CameraPosition>, bounds: PtzBounds): CameraPosition {
  const wanted = { ...from, ...to };
  expectNumbers(wanted);
  return fit(
    { ...wanted, pan: bounds.pan === undefined ? wanted.pan : turnInto(wanted.pan, bounds.pan) },
    bounds,
  );
}

/** The same direction from 0 to less than 360, also after the robot's messages made it a 32-bit number. */
export function wrapDegrees(degrees: number): number {
  const turned = ((degrees % 360) + 360) % 360;
  return Math.fround(turned) === 360 ? 0 : turned;
}

function fit({ pan, tilt, zoom }: CameraPosition, bounds: PtzBounds): CameraPosition {
  return {
    pan: bounds.pan === undefined ? wrapDegrees(pan) : clamp(pan, bounds.pan),
    tilt: clamp(tilt, bounds.tilt),
    zoom: clamp(zoom, bounds.zoom),
  };
}

/** The same direction within the range where it has one, otherwise unchanged. */
function turnInto(degrees: number, { min, max }: Range): number {
  if (degrees >= min && degrees <= max) return degrees;
  const turned = min + wrapDegrees(degrees - min);
  return turned <= max ? turned : degrees;
}

function clamp(value: number, { min, max }: Range): number {
  return Math.min(max, Math.max(min, value));
}

function readRange(limits: PtzLimits | null): Range | undefined {
  const [min, max] = [limits?.min?.value, limits?.max?.value];
  if (min === undefined || max === undefined || !Number.isFinite(min) || !Number.isFinite(max))
    return undefined;
  return min < max ? { min, max } : undefined;
}

function expectNumbers(position: CameraPosition): void {
  for (const [name, value] of Object.entries(position)) {
    if (Number.isFinite(value)) continue;
    throw new Fault("usage", `Expected ${name} to be a number, got ${value}.`);
  }
}

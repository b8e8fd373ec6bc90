import { Fault } from "../../domain/fault.ts";
import { lightingService } from "../../lib/spot-protocol.ts";
import { callService } from "./robot-link.ts";
import type { ReachedService } from "./robot-link.ts";

const lightCount = 4;

/** The brightest of the lights, 0 to 1. Throws `not-supported` where there are none, besides what a call can throw. */
export async function readLights(service: ReachedService, signal: AbortSignal): Promise<number> {
  const { brightnesses } = await callService(service, lightingService.GetLEDBrightness, {}, signal);
  if (brightnesses.length === 0) throw new Fault("not-supported", "This robot's camera has no lights.");
  return Math.round(Math.max(...brightnesses) * 1000) / 1000;
}

/** Sets all four lights. Throws `usage` for a brightness outside 0 to 1, besides what a call can throw. */
export async function setLights(
  service: ReachedService,
  brightness: number,
  signal: AbortSignal,
): Promise<void> {
  if (!(brightness >= 0 && brightness <= 1)) {
    throw new Fault("usage", `Expected a brightness from 0 to 1, got ${brightness}.`);
  }
  const brightnesses = Object.fromEntries(
    Array.from({ length: lightCount }, (_, index) => [index, brightness]),
  );
  await callService(service, lightingService.SetLEDBrightness, { brightnesses }, signal);
}

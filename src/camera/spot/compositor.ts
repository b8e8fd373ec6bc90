import { Fault } from "../../domain/fault.ts";
import { compositorService } from "../../lib/spot-protocol.ts";
import { callService } from "./robot-link.ts";
import type { ReachedService } from "./robot-link.ts";

export interface Screens {
  /** As the robot names them: `mech_full`, `pano_full`, ... */
  readonly screens: readonly string[];
  readonly screen: string;
}

/** Throws `not-supported` where the robot lists no screens, besides what a call can throw. */
export async function readScreens(service: ReachedService, signal: AbortSignal): Promise<Screens> {
  const [screens, { name }] = await Promise.all([
    listScreens(service, signal),
    callService(service, compositorService.GetScreen, {}, signal),
  ]);
  return { screens, screen: name };
}

/** Throws `usage` for a screen that the robot does not list, besides what `readScreens` throws. */
export async function showScreen(
  service: ReachedService,
  name: string,
  signal: AbortSignal,
): Promise<Screens> {
  const screens = await listScreens(service, signal);
  if (!screens.includes(name)) {
    throw new Fault(
      "usage",
      `Expected one of the screens ${screens.join(", ")}; got ${JSON.stringify(name)}.`,
    );
  }
  await callService(service, compositorService.SetScreen, { name }, signal);
  return { screens, screen: name };
}

async function listScreens(service: ReachedService, signal: AbortSignal): Promise<readonly string[]> {
  const { screens } = await callService(service, compositorService.ListScreens, {}, signal);
  if (screens.length === 0) throw new Fault("not-supported", "This robot's camera has no screens to show.");
  return screens.map(({ name }) => name);
}

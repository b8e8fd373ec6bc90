import type { StreamSettings } from "../../domain/camera.ts";
import type { StreamParams } from "../../domain/spot/messages.ts";
import { streamQualityService } from "../../lib/spot-protocol.ts";
import { callService } from "./robot-link.ts";
import type { ReachedService } from "./robot-link.ts";

/**
 * Sets what is given, leaves the rest, and returns what the camera says it does now. The settings are global: they
 * change the operator's picture too. Throws what a call can throw, `permission-denied` among it.
 */
export async function setStreamSettings(
  service: ReachedService,
  settings: StreamSettings,
  signal: AbortSignal,
): Promise<StreamSettings> {
  const wrap = (value: number | undefined): { value: number } | undefined =>
    value === undefined ? undefined : { value };
  const params = {
    targetbitrate: wrap(settings.targetBitrate),
    refreshinterval: wrap(settings.refreshInterval),
    idrinterval: wrap(settings.idrInterval),
  };
  const response = await callService(service, streamQualityService.SetStreamParams, { params }, signal);
  return readSettings(response.params);
}

/** What the encoder is set to. Throws what a call can throw. */
export async function getStreamSettings(
  service: ReachedService,
  signal: AbortSignal,
): Promise<StreamSettings> {
  const response = await callService(service, streamQualityService.GetStreamParams, {}, signal);
  return readSettings(response.params);
}

/** Switches the camera's own congestion control. There is no way to ask what it is. Throws what a call can throw. */
export async function setCongestionControl(
  service: ReachedService,
  on: boolean,
  signal: AbortSignal,
): Promise<void> {
  const request = { enableCongestionControl: on };
  await callService(service, streamQualityService.EnableCongestionControl, request, signal);
}

function readSettings(params: StreamParams | null): StreamSettings {
  return {
    ...(params?.targetbitrate && { targetBitrate: params.targetbitrate.value }),
    ...(params?.refreshinterval && { refreshInterval: params.refreshinterval.value }),
    ...(params?.idrinterval && { idrInterval: params.idrinterval.value }),
  };
}

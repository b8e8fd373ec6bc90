import type { StreamSettings } from "../../domain/camera.ts";
import type { Secret } from "../../domain/secret.ts";
import type { StreamParams } from "../../domain/spot/messages.ts";
import { streamQualityService } from "../../lib/spot-protocol.ts";
import type { RobotClient } from "./rpc.ts";

/**
 * Sets what is given, leaves the rest, and returns what the camera says it does now. The settings are global: they
 * change the operator's picture too. Throws what a call can throw, `permission-denied` among it.
 */
export async function setStreamSettings(
  client: RobotClient,
  authority: string,
  token: Secret,
  settings: StreamSettings,
  signal: AbortSignal,
): Promise<StreamSettings> {
  const wrap = (value: number | undefined): { value: number } | undefined =>
    value === undefined ? undefined : { value };
  const response = await client.call(
    {
      method: streamQualityService.SetStreamParams,
      authority,
      request: {
        params: {
          targetbitrate: wrap(settings.targetBitrate),
          refreshinterval: wrap(settings.refreshInterval),
          idrinterval: wrap(settings.idrInterval),
        },
      },
      token,
    },
    signal,
  );
  return readSettings(response.params);
}

function readSettings(params: StreamParams | null): StreamSettings {
  return {
    ...(params?.targetbitrate && { targetBitrate: params.targetbitrate.value }),
    ...(params?.refreshinterval && { refreshInterval: params.refreshinterval.value }),
    ...(params?.idrinterval && { idrInterval: params.idrinterval.value }),
  };
}

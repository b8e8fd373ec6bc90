import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../../domain/fault.ts";
import type { Secret } from "../../domain/secret.ts";
import { directoryService, fixedAuthorities, fullAuthority } from "../../lib/spot-protocol.ts";
import type { RobotClient } from "./rpc.ts";

const pollMs = 1000;

/**
 * The `:authority` of a service, looked up in the robot's directory. Payload services (the Spot CAM is one) register
 * late after the robot's start and may come and go, so the directory is polled for up to `waitMs`.
 * Throws `camera-missing` when the service is still not listed then, besides what a call can throw.
 */
export async function findAuthority(
  client: RobotClient,
  serviceName: string,
  token: Secret,
  waitMs: number,
  signal: AbortSignal,
): Promise<string> {
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const response = await client.call(
      {
        method: directoryService.ListServiceEntries,
        authority: fixedAuthorities.directory,
        request: {},
        token,
      },
      signal,
    );
    const entry = response.serviceEntries.find(({ name }) => name === serviceName);
    if (entry !== undefined && entry.authority !== "") return fullAuthority(entry.authority);
    if (waitedMs >= waitMs) {
      throw new Fault(
        "camera-missing",
        `The robot does not list its camera (${serviceName}) among its ${response.serviceEntries.length} services yet. It may still be starting; otherwise check that the Spot CAM is mounted and powered.`,
      );
    }
    await sleep(pollMs, undefined, { signal });
  }
}

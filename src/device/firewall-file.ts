import type { DeviceConfig } from "../config/device-config.ts";
import { madeBySpotlive } from "./network-files.ts";

const ssh = 22;

/**
 * What the device's firewall (nft(8)) includes: which interface is the robot's, where nothing gets in, and which TCP ports are
 * open on all others.
 */
export function firewallFile({
  robotInterface,
  dashboardPort,
}: Pick<DeviceConfig, "robotInterface" | "dashboardPort">): string {
  const open = [ssh, ...(dashboardPort === undefined ? [] : [dashboardPort])];
  return [
    madeBySpotlive,
    `define robot = "${robotInterface}"`,
    `define open = { ${[...new Set(open)].join(", ")} }`,
    "",
  ].join("\n");
}

import type { DeviceConfig } from "../config/device-config.ts";

/** A text file that is made for the system, by its path. */
export type SystemFiles = ReadonlyMap<string, { readonly text: string; readonly mode: number }>;

/** For routes over the robot, should one come in nevertheless: everything else is better. */
export const robotMetric = 2000;
export const wifiMetric = 600;

export const madeBySpotlive = "# Made by spotlive from the boot file; changes here are lost.";

/**
 * Links for systemd-networkd (systemd.network(5)). Whatever the robot's network offers, nothing but its own subnet
 * leads there: UseGateway= refuses the router option, UseRoutes= the classless routes, one alone is not enough.
 */
export function networkdFiles(device: DeviceConfig): SystemFiles {
  const isDhcp = device.robotAddress === "dhcp";
  const robot = [
    madeBySpotlive,
    "[Match]",
    `Name=${device.robotInterface}`,
    "",
    "[Link]",
    "RequiredForOnline=no",
    "",
    "[Network]",
    isDhcp ? "DHCP=ipv4" : `DHCP=no\nAddress=${device.robotAddress}`,
    "LinkLocalAddressing=no",
    "IPv6AcceptRA=no",
    "DNSDefaultRoute=no",
    "LLMNR=no",
    "MulticastDNS=no",
    "ConfigureWithoutCarrier=no",
    ...(isDhcp
      ? [
          "",
          "[DHCPv4]",
          ...["Gateway", "Routes", "DNS", "Domains", "NTP", "Hostname", "Timezone"].map(
            (what) => `Use${what}=no`,
          ),
          `RouteMetric=${robotMetric}`,
        ]
      : []),
    "",
  ];
  const wifi = [
    madeBySpotlive,
    "[Match]",
    `Name=${device.wifiInterface}`,
    "",
    "[Link]",
    "RequiredForOnline=no",
    "",
    "[Network]",
    "DHCP=yes",
    "IPv6AcceptRA=yes",
    "",
    "[DHCPv4]",
    `RouteMetric=${wifiMetric}`,
    "",
    "[IPv6AcceptRA]",
    `RouteMetric=${wifiMetric}`,
    "",
  ];
  return new Map([
    ["network/10-spotlive-robot.network", { text: robot.join("\n"), mode: 0o644 }],
    ...(device.wifi.length > 0
      ? ([["network/20-spotlive-wifi.network", { text: wifi.join("\n"), mode: 0o644 }]] as const)
      : []),
  ]);
}

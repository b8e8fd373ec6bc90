import type { DeviceConfig } from "../config/device-config.ts";

/** A text file that is made for the system, by its path. */
export type SystemFiles = ReadonlyMap<string, { readonly text: string; readonly mode: number }>;

/** For routes over the robot, should one come in nevertheless: everything else is better. */
export const robotMetric = 2000;
export const wifiMetric = 600;
/** Of the further uplinks, the first one first; at most 8, so that the robot's stays the worst. */
export const uplinkMetric = (index: number): number => wifiMetric + 100 * (index + 1);

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
    // Of two networks with the same addresses the kernel would take the one with the better metric: the WiFi.
    ...device.robotHosts.flatMap((host) => ["", "[Route]", `Destination=${host}/32`, "Scope=link"]),
    "",
  ];
  return new Map([
    file("10-spotlive-robot", robot),
    ...(device.wifi.length > 0
      ? [file("20-spotlive-wifi", uplinkLines(device.wifiInterface, wifiMetric))]
      : []),
    ...device.uplinks.map((name, index) =>
      file(`30-spotlive-uplink-${index + 1}`, uplinkLines(name, uplinkMetric(index))),
    ),
  ]);
}

const file = (name: string, lines: readonly string[]) =>
  [`network/${name}.network`, { text: lines.join("\n"), mode: 0o644 }] as const;

/** Takes what the network offers, at a metric that says how much it is wanted. */
function uplinkLines(name: string, metric: number): readonly string[] {
  return [
    madeBySpotlive,
    "[Match]",
    `Name=${name}`,
    "",
    "[Link]",
    "RequiredForOnline=no",
    "",
    "[Network]",
    "DHCP=yes",
    "IPv6AcceptRA=yes",
    "",
    "[DHCPv4]",
    `RouteMetric=${metric}`,
    "UseHostname=no", // its name is the boot file's
    "",
    "[DHCPv6]",
    "UseHostname=no",
    "",
    "[IPv6AcceptRA]",
    `RouteMetric=${metric}`,
    "",
  ];
}

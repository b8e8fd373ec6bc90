import { createHash } from "node:crypto";
import type { DeviceConfig, WifiNetwork, WifiSecurity } from "../config/device-config.ts";
import { madeBySpotlive, robotMetric, uplinkMetric, wifiMetric } from "./network-files.ts";
import type { SystemFiles } from "./network-files.ts";

type Section = readonly [name: string, values: Readonly<Record<string, string | undefined>>];

/**
 * Connections for NetworkManager (nm-settings-keyfile(5)), which reads them only at mode 0600. Of the robot's network
 * nothing is taken but an address: `never-default` alone lets prefixes in, `ignore-auto-routes` alone its name server.
 */
export function networkManagerFiles(device: DeviceConfig): SystemFiles {
  const address: Readonly<Record<string, string>> =
    device.robotAddress === "dhcp" ? { method: "auto" } : { method: "manual", address1: device.robotAddress };
  const robot = keyfile([
    connection("spotlive-robot", "ethernet", device.robotInterface, 0),
    [
      "ipv4",
      {
        ...address,
        "never-default": "true",
        "ignore-auto-routes": "true",
        "ignore-auto-dns": "true",
        "route-metric": String(robotMetric),
        "may-fail": "true",
        // Of two networks with the same addresses the kernel would take the one with the better metric: the WiFi.
        ...Object.fromEntries(device.robotHosts.map((host, index) => [`route${index + 1}`, `${host}/32`])),
      },
    ],
    ["ipv6", { method: "disabled" }],
  ]);
  const wifi = device.wifi.map((network, index) => {
    const id = `spotlive-wifi-${index + 1}`;
    const text = keyfile([
      connection(id, "wifi", device.wifiInterface, device.wifi.length - index),
      ["wifi", { ssid: byteList(network.name), hidden: network.hidden ? "true" : undefined, powersave: "2" }],
      ...securitySections(network),
      ...uplinkSections(wifiMetric),
    ]);
    return [id, text] as const;
  });
  const uplinks = device.uplinks.map((name, index) => {
    const id = `spotlive-uplink-${index + 1}`;
    const text = keyfile([connection(id, "ethernet", name, 0), ...uplinkSections(uplinkMetric(index))]);
    return [id, text] as const;
  });
  const all = [["spotlive-robot", robot] as const, ...wifi, ...uplinks];
  return new Map(all.map(([id, text]) => [`system-connections/${id}.nmconnection`, { text, mode: 0o600 }]));
}

/** Takes what the network offers, at a metric that says how much it is wanted. */
function uplinkSections(metric: number): readonly Section[] {
  const values = { method: "auto", "route-metric": String(metric) };
  return [
    ["ipv4", values],
    ["ipv6", values],
  ];
}

/** Tried for ever (autoconnect-retries 0): the robot may come minutes later, and the WiFi as well. */
function connection(id: string, type: string, name: string, priority: number): Section {
  return [
    "connection",
    {
      id,
      uuid: uuidOf(id),
      type,
      "interface-name": name,
      autoconnect: "true",
      "autoconnect-retries": "0",
      "autoconnect-priority": String(priority),
    },
  ];
}

function securitySections({ security }: WifiNetwork): readonly Section[] {
  switch (security.kind) {
    case "open":
      return [];
    case "personal":
      // With wpa-psk NetworkManager offers SAE as well where the driver can.
      return [
        [
          "wifi-security",
          {
            "key-mgmt": security.wpa === "3" ? "sae" : "wpa-psk",
            pmf: security.wpa === "3" ? "3" : undefined,
            psk: security.password.reveal(),
          },
        ],
      ];
    case "enterprise":
      return [["wifi-security", { "key-mgmt": "wpa-eap" }], enterprise(security)];
  }
}

function enterprise(security: Extract<WifiSecurity, { kind: "enterprise" }>): Section {
  const { method, inner } = security;
  return [
    "802-1x",
    {
      eap: `${method};`,
      identity: security.identity,
      "anonymous-identity": security.anonymousIdentity,
      password: security.password?.reveal(),
      "phase2-auth": method === "tls" ? undefined : method === "peap" ? "mschapv2" : inner,
      "ca-cert": security.caFile,
      "domain-suffix-match": security.serverName,
      "client-cert": security.certificateFile,
      "private-key": security.keyFile,
      "private-key-password": security.keyPassword?.reveal(),
      // 4: none is needed, where the key has none.
      "private-key-password-flags": method === "tls" && security.keyPassword === undefined ? "4" : undefined,
    },
  ];
}

function keyfile(sections: readonly Section[]): string {
  const lines = sections.flatMap(([name, values]) => [
    "",
    `[${name}]`,
    ...Object.entries(values).flatMap(([key, value]) =>
      value === undefined ? [] : [`${key}=${escape(value)}`],
    ),
  ]);
  return [madeBySpotlive, ...lines, ""].join("\n");
}

/** GKeyFile: a backslash begins an escape, and spaces at the ends are otherwise lost. */
const escape = (value: string): string =>
  value.replaceAll("\\", "\\\\").replace(/^ +| +$/g, (spaces) => "\\s".repeat(spaces.length));

const byteList = (text: string): string => [...Buffer.from(text)].map((byte) => `${byte};`).join("");

/** The same connection has the same id at every power-on. */
function uuidOf(id: string): string {
  const hash = createHash("sha256").update(`spotlive ${id}`).digest("hex");
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

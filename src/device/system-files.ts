import type { DeviceConfig } from "../config/device-config.ts";
import { firewallFile } from "./firewall-file.ts";
import { networkdFiles } from "./network-files.ts";
import type { SystemFiles } from "./network-files.ts";
import { networkManagerFiles } from "./network-manager.ts";
import { wpaSupplicantConf } from "./wpa-supplicant.ts";

/** Which program looks after the links. */
export const networkBackends = ["networkd", "networkmanager"] as const;
export type NetworkBackend = (typeof networkBackends)[number];

/** Every file that the system needs to know about the device, by its path. */
export function systemFiles(device: DeviceConfig, backend: NetworkBackend): SystemFiles {
  const plain = (text: string) => ({ text, mode: 0o644 });
  return new Map([
    ["hostname", plain(`${device.hostname}\n`)],
    ["timezone", plain(`${device.timeZone}\n`)],
    ["authorized_keys", plain(device.sshKeys.map((key) => `${key}\n`).join(""))],
    ["nftables.d/spotlive.nft", plain(firewallFile(device))],
    ...(device.country === undefined
      ? []
      : [
          [
            "modprobe.d/spotlive-wifi.conf",
            plain(`options cfg80211 ieee80211_regdom=${device.country}\n`),
          ] as const,
        ]),
    ...(backend === "networkd" ? withWpaSupplicant(device) : networkManagerFiles(device)),
  ]);
}

function withWpaSupplicant(device: DeviceConfig): SystemFiles {
  const path = `wpa_supplicant/wpa_supplicant-${device.wifiInterface}.conf`;
  const conf = { text: wpaSupplicantConf(device), mode: 0o600 };
  return new Map([...networkdFiles(device), ...(device.wifi.length > 0 ? ([[path, conf]] as const) : [])]);
}

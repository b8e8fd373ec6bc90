import { pbkdf2Sync } from "node:crypto";
import type { DeviceConfig, WifiNetwork, WifiSecurity } from "../config/device-config.ts";
import { madeBySpotlive } from "./network-files.ts";

/** The WiFi networks for wpa_supplicant (wpa_supplicant.conf(5)). */
export function wpaSupplicantConf(device: DeviceConfig): string {
  return [
    madeBySpotlive,
    "ctrl_interface=DIR=/run/wpa_supplicant",
    "update_config=0",
    ...(device.country === undefined ? [] : [`country=${device.country}`]),
    ...device.wifi.flatMap((network, index) => [
      "",
      "network={",
      ...networkLines(network, device.wifi.length - index).map((line) => `\t${line}`),
      "}",
    ]),
    "",
  ].join("\n");
}

function networkLines({ name, hidden, security }: WifiNetwork, priority: number): readonly string[] {
  return [
    `ssid=${bytes(name)}`,
    ...(hidden ? ["scan_ssid=1"] : []),
    `priority=${priority}`,
    ...securityLines(name, security),
  ];
}

/** ieee80211w: 1 protects management frames where the network can, 2 wants it, as WPA3 does. */
function securityLines(name: string, security: WifiSecurity): readonly string[] {
  switch (security.kind) {
    case "open":
      return ["key_mgmt=NONE"];
    case "personal": {
      const { key, pmf } = {
        "2": { key: "WPA-PSK", pmf: 1 },
        "3": { key: "SAE", pmf: 2 },
        "2 or 3": { key: "WPA-PSK SAE", pmf: 1 },
      }[security.wpa];
      return [`key_mgmt=${key}`, `ieee80211w=${pmf}`, ...passphraseLines(name, security)];
    }
    case "enterprise": {
      const { method, inner, password, keyPassword } = security;
      const option = (name: string, value: string | undefined): readonly string[] =>
        value === undefined ? [] : [`${name}=${value}`];
      const inTunnel = { peap: "auth=MSCHAPV2", ttls: `auth=${inner.toUpperCase()}`, tls: undefined }[method];
      return [
        "key_mgmt=WPA-EAP",
        "ieee80211w=1",
        `eap=${method.toUpperCase()}`,
        `identity=${bytes(security.identity)}`,
        ...option("anonymous_identity", optional(security.anonymousIdentity, bytes)),
        ...option("password", optional(password?.reveal(), bytes)),
        ...option("phase2", optional(inTunnel, quoted)),
        ...option("ca_cert", optional(security.caFile, quoted)),
        ...option("domain_suffix_match", optional(security.serverName, quoted)),
        ...option("client_cert", optional(security.certificateFile, quoted)),
        ...option("private_key", optional(security.keyFile, quoted)),
        ...option("private_key_passwd", optional(keyPassword?.reveal(), bytes)),
      ];
    }
  }
}

const optional = (value: string | undefined, spell: (value: string) => string): string | undefined =>
  value === undefined ? undefined : spell(value);

/** A value without quotes is hexadecimal, so that no name can mean anything else. */
const bytes = (text: string): string => Buffer.from(text).toString("hex");

/** A quote is an end for what looks for comments, and none for what reads the value. */
const quoted = (text: string): string => (text.includes('"') ? bytes(text) : `"${text}"`);

/**
 * Here 64 hexadecimal digits are the key itself, and a password needs quotes. One that has a quote and a # after it
 * would be cut there, and the whole file refused: for WPA2 the key is made of it (IEEE 802.11, J.4), as the program
 * does; WPA3 takes it in digits too.
 */
function passphraseLines(
  name: string,
  { wpa, password }: Extract<WifiSecurity, { kind: "personal" }>,
): readonly string[] {
  const text = password.reveal();
  if (/^[\da-fA-F]{64}$/.test(text)) return [`psk=${text}`];
  if (!/".*#/.test(text)) return [`psk="${text}"`];
  const key = pbkdf2Sync(text, name, 4096, 32, "sha1").toString("hex");
  return [...(wpa === "3" ? [] : [`psk=${key}`]), ...(wpa === "2" ? [] : [`sae_password=${bytes(text)}`])];
}

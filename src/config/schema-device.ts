import { about, choice, flag, list, optionalChoice, optionalText, secret, text } from "./keys.ts";
import type { Group } from "./keys.ts";
import { outputSchema } from "./schema-output.ts";
import { schema } from "./schema.ts";

/** One WiFi network. */
export const wifiSchema = {
  [about]: "One WiFi network. The first in the list is the most wanted one.",
  name: optionalText("Its name (SSID).", { format: "network-name" }),
  hidden: flag(false, "It does not tell its name.", {}),
  security: optionalChoice(
    ["open", "wpa-personal", "wpa2-personal", "wpa3-personal", "peap", "ttls", "tls"],
    "wpa-personal is WPA2 and WPA3; peap, ttls and tls are WPA-Enterprise. Not set: wpa-personal with a password, else open.",
    {},
  ),
  password: secret("The network's password, or a person's for peap and ttls.", {}),
  identity: optionalText("peap, ttls, tls: who logs in.", {}),
  anonymousIdentity: optionalText("peap, ttls: the name that is shown before the tunnel stands.", {}),
  inner: choice(["mschapv2", "pap"], "mschapv2", "ttls: how the password travels in the tunnel.", {}),
  caFile: optionalText("peap, ttls, tls: the authority of the login server, PEM.", {}),
  serverName: optionalText("peap, ttls, tls: how the name of the login server must end.", {
    format: "server-name",
  }),
  insecure: flag(
    false,
    "peap, ttls: log in at any server. Whoever puts up an access point of this name gets the password.",
    {},
  ),
  certificateFile: optionalText("tls: our certificate, PEM.", {}),
  keyFile: optionalText("tls: its private key, PEM.", {}),
  keyPassword: secret("tls: the password of the private key, where it has one.", {}),
} as const satisfies Group;

/** What a boot file says about the device itself. */
export const deviceSchema = {
  [about]: "The device itself.",
  hostname: text("spotlive", "Its name in the network.", { format: "device-name" }),
  country: optionalText("Where it is used: the law of that country says which WiFi channels are allowed.", {
    format: "country",
  }),
  timeZone: text("UTC", "Its time zone.", { format: "time-zone" }),
  robotInterface: text("eth0", "The interface that the robot is on.", { format: "interface-name" }),
  robotAddress: text("dhcp", "The device's own address there.", { format: "interface-address" }),
  wifiInterface: text("wlan0", "The WiFi interface.", { format: "interface-name" }),
  uplinks: list(
    "interface-names",
    "Further interfaces that lead to the internet and look like Ethernet (USB adapter, modem, tethered phone), the most wanted one first; the WiFi goes before them.",
  ),
  wifi: list("wifi-networks", "The WiFi networks, the most wanted one first."),
  sshKeys: list("ssh-keys", "Public keys of those who may log in over ssh."),
} as const satisfies Group;

/** A boot file: the configuration, and the device. */
export const bootSchema = { ...schema, device: deviceSchema } as const satisfies Group;

export const bootItems = { outputs: outputSchema, "wifi-networks": wifiSchema };

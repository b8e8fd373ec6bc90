import { isIPv4 } from "node:net";
import { isText, sameText } from "./format.ts";
import type { Format } from "./format.ts";

/** Most WiFi networks that one device knows. */
export const maxWifiNetworks = 16;
const maxSshKeys = 32;
/** Most interfaces that lead to the internet besides the WiFi: there are metrics for so many. */
export const maxUplinks = 8;
/** IEEE 802.11: a network's name is at most so many bytes, of any kind. */
const maxSsidBytes = 32;

const sshKeyTypes = [
  ...["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"],
  ...["sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"],
];

/** One line of authorized_keys (sshd(8)) without options; the type stands inside the key once more. */
function isSshKey(value: unknown): boolean {
  if (!isText(value)) return false;
  const [type = "", blob = ""] = value.split(" ");
  if (!sshKeyTypes.includes(type) || !/^[A-Za-z0-9+/]{40,}={0,2}$/.test(blob)) return false;
  const bytes = Buffer.from(blob, "base64");
  return (
    bytes.subarray(4, 4 + type.length).toString("latin1") === type && bytes.readUInt32BE(0) === type.length
  );
}

function isTimeZone(value: unknown): boolean {
  if (value === "UTC") return true; // without the tables of all the others
  if (!isText(value) || !/^[A-Za-z]{2,}(\/[A-Za-z][\w+-]{1,30}){0,2}$/.test(value)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: value }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

const isInterfaceName = (value: unknown): boolean => isText(value) && /^[a-z][a-z0-9_-]{0,14}$/.test(value);

/** `dhcp`, or an address that hosts may have with the bits of its network. */
function isInterfaceAddress(value: unknown): boolean {
  if (value === "dhcp") return true;
  const [, address = "", bits = ""] = (isText(value) && /^([\d.]+)\/(\d{1,2})$/.exec(value)) || [];
  const first = Number(address.split(".")[0]);
  return (
    isIPv4(address) && Number(bits) >= 8 && Number(bits) <= 30 && first > 0 && first < 224 && first !== 127
  );
}

const pattern = (expected: string, form: RegExp): Format => ({
  expected: () => expected,
  matches: (value) => isText(value) && form.test(value),
  fromText: sameText,
});

/** The kinds of values that only the `device` part of a boot file has. */
export const deviceFormats = {
  "device-name": pattern(
    "a name of 1 to 63 small letters, digits and hyphens",
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
  ),
  country: pattern("two capital letters, like DE or US", /^[A-Z]{2}$/),
  "interface-name": {
    expected: () => "the name of a network interface, like eth0",
    matches: isInterfaceName,
    fromText: sameText,
  },
  "interface-names": {
    expected: () => `a list of at most ${maxUplinks} names of network interfaces, like eth1`,
    matches: (value) => Array.isArray(value) && value.length <= maxUplinks && value.every(isInterfaceName),
    fromText: sameText,
  },
  "server-name": pattern(
    "the name of a server, like radius.example.org",
    /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/,
  ),
  "time-zone": {
    expected: () => "a time zone, like Europe/Berlin or UTC",
    matches: isTimeZone,
    fromText: sameText,
  },
  "interface-address": {
    expected: () => "dhcp, or an address with the bits of its network, like 192.168.50.10/24",
    matches: isInterfaceAddress,
    fromText: sameText,
  },
  "network-name": {
    expected: () => `the name of a WiFi network, 1 to ${maxSsidBytes} bytes`,
    matches: (value) => isText(value) && value.isWellFormed() && Buffer.byteLength(value) <= maxSsidBytes,
    fromText: sameText,
  },
  "ssh-keys": {
    expected: () => `a list of at most ${maxSshKeys} public keys, like "ssh-ed25519 AAAA... name"`,
    matches: (value) => Array.isArray(value) && value.length <= maxSshKeys && value.every(isSshKey),
    fromText: sameText,
  },
  "wifi-networks": {
    expected: () => `a list of at most ${maxWifiNetworks} networks`,
    matches: (value) => Array.isArray(value) && value.length <= maxWifiNetworks,
    fromText: sameText,
  },
} as const satisfies Record<string, Format>;

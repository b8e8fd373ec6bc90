import { isIPv4 } from "node:net";
import { Secret } from "../domain/secret.ts";
import type { Values } from "./keys.ts";
import type { Findings } from "./problems.ts";
import { deviceSchema, wifiSchema } from "./schema-device.ts";
import { overlay } from "./values.ts";
import type { Given } from "./yaml-file.ts";

/** Files are absolute paths. */
export type WifiSecurity =
  | { readonly kind: "open" }
  | { readonly kind: "personal"; readonly wpa: "2" | "3" | "2 or 3"; readonly password: Secret }
  | {
      readonly kind: "enterprise";
      readonly method: "peap" | "ttls" | "tls";
      readonly identity: string;
      readonly anonymousIdentity: string | undefined;
      readonly inner: "mschapv2" | "pap";
      /** For peap and ttls. */
      readonly password: Secret | undefined;
      readonly caFile: string | undefined;
      readonly serverName: string | undefined;
      /** For tls. */
      readonly certificateFile: string | undefined;
      readonly keyFile: string | undefined;
      readonly keyPassword: Secret | undefined;
    };

export interface WifiNetwork {
  /** 1 to 32 bytes in UTF-8, no control characters. */
  readonly name: string;
  readonly hidden: boolean;
  readonly security: WifiSecurity;
}

/** The `device` part of a boot file, checked and complete. */
export interface DeviceConfig {
  readonly hostname: string;
  readonly country: string | undefined;
  readonly timeZone: string;
  readonly robotInterface: string;
  /** `dhcp`, or an IPv4 address with the bits of its network. */
  readonly robotAddress: string;
  readonly wifiInterface: string;
  /** Further interfaces that lead to the internet, the most wanted one first, at most 8; the WiFi goes before them. */
  readonly uplinks: readonly string[];
  /** IPv4 addresses to which the robot's interface leads, whatever networks the others are in. */
  readonly robotHosts: readonly string[];
  /** The port of the HTTP interface, for the firewall; undefined where there is none. */
  readonly dashboardPort: number | undefined;
  /** The most wanted one first. */
  readonly wifi: readonly WifiNetwork[];
  /** Lines of an authorized_keys file. */
  readonly sshKeys: readonly string[];
}

type WifiValues = Values<typeof wifiSchema>;

/** What the rest of a boot file says of the device. */
export interface LineFacts {
  /** Names and addresses of the robot; a name has no route of its own. */
  readonly robotHosts: readonly string[];
  readonly dashboardPort: number | undefined;
}

/** Checks what joins several keys; what is wrong goes to `findings`, and the result is then of no use. */
export function buildDevice(given: Given, line: LineFacts, findings: Findings): DeviceConfig {
  const values = overlay(deviceSchema, given, {});
  const listed = Array.isArray(given["wifi"]) ? (given["wifi"] as readonly Given[]) : [];
  const wifi = listed.map((network, index) =>
    buildWifi(overlay(wifiSchema, network, {}), `device.wifi[${index}]`, findings),
  );
  for (const [index, { name }] of wifi.entries())
    if (wifi.findIndex((other) => other.name === name) < index)
      findings.addAt(
        `device.wifi[${index}].name`,
        `expected each network once, got ${JSON.stringify(name)} again`,
      );
  if (wifi.length > 0 && values.country === null)
    findings.addAt("device.country", "expected the country, as there is WiFi, got nothing");
  if (values.robotInterface === values.wifiInterface)
    findings.addAt("device.wifiInterface", "expected another interface than the robot's, got the same");
  const uplinks = (values.uplinks as readonly string[]).filter((name, index, all) => {
    const whose = whoseInterface(name, values, all.indexOf(name) < index);
    if (whose !== undefined)
      findings.addAt(`device.uplinks[${index}]`, `expected another interface, got ${name}, ${whose}`);
    return whose === undefined;
  });
  return {
    ...values,
    country: values.country ?? undefined,
    uplinks,
    dashboardPort: line.dashboardPort,
    robotHosts: [...new Set(line.robotHosts)].filter((host) => isIPv4(host)),
    wifi,
    sshKeys: values.sshKeys as readonly string[],
  };
}

function whoseInterface(
  name: string,
  { robotInterface, wifiInterface }: Values<typeof deviceSchema>,
  isAgain: boolean,
): string | undefined {
  if (name === robotInterface) return "which is the robot's";
  if (name === wifiInterface) return "which is the WiFi's: it goes first by itself";
  return isAgain ? "which is in the list already" : undefined;
}

function buildWifi(values: WifiValues, path: string, findings: Findings): WifiNetwork {
  const { name, hidden } = values;
  if (name === null) findings.addAt(`${path}.name`, "expected the network's name, got nothing");
  return { name: name ?? "", hidden, security: securityOf(values, path, findings) };
}

function securityOf(values: WifiValues, path: string, findings: Findings): WifiSecurity {
  const word = values.security ?? (values.password === null ? "open" : "wpa-personal");
  refuseStrangers(word, values, path, findings);
  switch (word) {
    case "open":
      return { kind: "open" };
    case "wpa-personal":
    case "wpa2-personal":
    case "wpa3-personal": {
      const wpa = word === "wpa2-personal" ? "2" : word === "wpa3-personal" ? "3" : "2 or 3";
      const password = values.password ?? "";
      const fits = /^([\x20-\x7e]{8,63}|[\da-fA-F]{64})$/.test(password);
      if (!fits)
        findings.addAt(
          `${path}.password`,
          `expected 8 to 63 characters of ASCII, got ${password === "" ? "nothing" : "something else (hidden)"}`,
        );
      if (wpa === "3" && password.length === 64)
        findings.addAt(
          `${path}.password`,
          "expected the password itself: WPA3 does not take a key of 64 digits",
        );
      return { kind: "personal", wpa, password: new Secret(password) };
    }
    case "peap":
    case "ttls":
    case "tls":
      return enterprise(word, values, path, findings);
  }
}

function enterprise(
  method: "peap" | "ttls" | "tls",
  values: WifiValues,
  path: string,
  findings: Findings,
): WifiSecurity {
  const needs =
    method === "tls"
      ? (["identity", "caFile", "certificateFile", "keyFile"] as const)
      : (["identity", "password"] as const);
  for (const name of needs)
    if (values[name] === null)
      findings.addAt(`${path}.${name}`, `expected it, as security is ${method}, got nothing`);
  if (method !== "tls" && (values.caFile === null) !== values.insecure)
    findings.addAt(
      `${path}.caFile`,
      `expected either the login server's authority or insecure: true, got ${values.insecure ? "both" : "neither"}`,
    );
  return {
    kind: "enterprise",
    method,
    identity: values.identity ?? "",
    anonymousIdentity: values.anonymousIdentity ?? undefined,
    inner: values.inner,
    password: values.password === null ? undefined : new Secret(values.password),
    caFile: values.caFile ?? undefined,
    serverName: values.serverName ?? undefined,
    certificateFile: values.certificateFile ?? undefined,
    keyFile: values.keyFile ?? undefined,
    keyPassword: values.keyPassword === null ? undefined : new Secret(values.keyPassword),
  };
}

const tunnelKeys = ["identity", "caFile", "serverName"] as const;
const keysOf: Readonly<Record<string, readonly (keyof WifiValues)[]>> = {
  open: [],
  peap: [...tunnelKeys, "password", "anonymousIdentity"],
  ttls: [...tunnelKeys, "password", "anonymousIdentity"],
  tls: [...tunnelKeys, "certificateFile", "keyFile", "keyPassword"],
};
const optionalKeys = [
  ...tunnelKeys,
  ...(["password", "anonymousIdentity", "certificateFile", "keyFile", "keyPassword"] as const),
];

/** A key that the chosen security has no use for is a mistake: most often the security is not the one that was meant. */
function refuseStrangers(word: string, values: WifiValues, path: string, findings: Findings): void {
  const own = keysOf[word] ?? ["password"];
  for (const name of optionalKeys)
    if (values[name] !== null && !own.includes(name))
      findings.addAt(`${path}.${name}`, `is of no use where security is ${word}`);
}

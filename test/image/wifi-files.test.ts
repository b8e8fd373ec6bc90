import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DeviceConfig, WifiNetwork, WifiSecurity } from "../../src/config/device-config.ts";
import { systemFiles } from "../../src/device/system-files.ts";
import { Secret } from "../../src/domain/secret.ts";
import { startChild } from "../../src/lib/child.ts";
import type { Child } from "../../src/lib/child.ts";
import { eventually } from "../helpers/eventually.ts";
import { openManagedDevice, whyNoManagedDevice } from "../helpers/managed-device.ts";
import type { ManagedDevice } from "../helpers/managed-device.ts";

const { signal } = new AbortController();
const reason = await whyNoManagedDevice("networkmanager", signal);
if (reason !== undefined) console.warn(`Tests of the files for WiFi are skipped. ${reason}`);

const password = String.raw`p#"\ ;=[x] 'ä' `;
const enterprise = (
  method: "peap" | "ttls" | "tls",
  own: Partial<Extract<WifiSecurity, { kind: "enterprise" }>>,
): WifiSecurity => ({
  ...{ kind: "enterprise", method, identity: "me@example.org", anonymousIdentity: undefined, inner: "pap" },
  ...{ password: undefined, certificateFile: undefined, keyFile: undefined, keyPassword: undefined },
  ...{ caFile: "/etc/ssl/certs/ca-certificates.crt", serverName: "radius.example.org" },
  ...own,
});
const personal = (wpa: "2" | "3" | "2 or 3", word: string): WifiSecurity => ({
  ...{ kind: "personal", wpa, password: new Secret(word) },
});
const securities: Readonly<Record<string, WifiSecurity>> = {
  open: { kind: "open" },
  "WPA 2": personal("2", String.raw` 8"\# chars `),
  "WPA 3": personal("3", "12345678"),
  "Café/7, of both": personal("2 or 3", "a".repeat(63)),
  "quote, then #": personal("2 or 3", 'a "quote" and a #'),
  "a key": personal("2", "0123456789abcdef".repeat(4)),
  peap: enterprise("peap", { password: new Secret(password), anonymousIdentity: "anonymous" }),
  ttls: enterprise("ttls", { password: new Secret(password) }),
  tls: enterprise("tls", {
    ...{ certificateFile: "/data/me.pem", keyFile: "/data/me.key", keyPassword: new Secret(password) },
  }),
  [' "quoted" \\ ']: { kind: "open" },
};
const networks: readonly WifiNetwork[] = Object.entries(securities).map(([name, security], index) => ({
  ...{ name, hidden: index % 2 === 1, security },
}));
const device: DeviceConfig = {
  dashboardPort: 8080,
  ...{ hostname: "robot-7", country: "DE", timeZone: "UTC", sshKeys: [], uplinks: [] },
  ...{ robotInterface: "eth0", robotAddress: "dhcp", robotHosts: ["192.168.50.3"] },
  ...{ wifiInterface: "wlan0", wifi: networks },
};

describe.skipIf(reason !== undefined)("the networks in wpa_supplicant", () => {
  let machine: ManagedDevice;
  let supplicant: Child;
  beforeAll(async () => {
    machine = await openManagedDevice("networkd", signal);
    // A link of any kind: what is read does not depend on the driver.
    await machine.run("ip", "link", "add", "name", "wlan0", "type", "veth", "peer", "name", "air");
    const conf = systemFiles(device, "networkd").get("wpa_supplicant/wpa_supplicant-wlan0.conf");
    await machine.write("/run/wlan0.conf", conf?.text ?? "");
    const command = ["wpa_supplicant", "-D", "wired", "-i", "wlan0", "-c", "/run/wlan0.conf"] as const;
    const [program, ...argv] = machine.namespace.enter(command);
    supplicant = await startChild(program, argv, signal, { purpose: "reading the networks" });
    const ping = (): Promise<boolean> =>
      ask("ping").then(
        (answer) => answer === "PONG",
        () => false,
      );
    await Promise.race([eventually(ping), supplicant.done]);
  });
  afterAll(async () => {
    await supplicant[Symbol.asyncDispose]();
    await machine[Symbol.asyncDispose]();
  });

  const ask = async (...words: readonly string[]): Promise<string> =>
    (await machine.run("wpa_cli", "-p", "/run/wpa_supplicant", "-i", "wlan0", ...words)).trimEnd();
  const value = (index: number, name: string): Promise<string> => ask("get_network", String(index), name);
  const indexOf = (name: string): number => networks.findIndex((network) => network.name === name);

  it("are all there, with the names they have", async () => {
    const listed = (await ask("list_networks")).split("\n").slice(1);
    expect(listed).toHaveLength(networks.length);
    for (const [index, { name, hidden }] of networks.entries()) {
      expect(readName(await value(index, "ssid")), name).toBe(name);
      expect(await value(index, "scan_ssid"), name).toBe(hidden ? "1" : "0");
      expect(await value(index, "priority"), name).toBe(String(networks.length - index));
    }
    expect(await ask("get", "country")).toBe("DE");
  });

  it.each([
    ["open", { key_mgmt: "NONE" }],
    ["WPA 2", { key_mgmt: "WPA-PSK", ieee80211w: "1" }],
    ["WPA 3", { key_mgmt: "SAE", ieee80211w: "2" }],
    ["Café/7, of both", { key_mgmt: "WPA-PSK SAE" }],
    ["peap", { key_mgmt: "WPA-EAP", eap: "PEAP", phase2: '"auth=MSCHAPV2"' }],
    ["ttls", { eap: "TTLS", phase2: '"auth=PAP"', domain_suffix_match: '"radius.example.org"' }],
    ["tls", { eap: "TLS", client_cert: '"/data/me.pem"', private_key: '"/data/me.key"' }],
    ["quote, then #", { key_mgmt: "WPA-PSK SAE" }],
  ])("are secured as they shall be: %s", async (name, expected) => {
    const found = Object.keys(expected).map(async (key) => [key, await value(indexOf(name), key)] as const);
    expect(Object.fromEntries(await Promise.all(found))).toEqual(expected);
  });
});

it.skipIf(reason !== undefined)("makes the key of a password as the program does", async () => {
  const conf = systemFiles(device, "networkd").get("wpa_supplicant/wpa_supplicant-wlan0.conf")?.text ?? "";
  await using machine = await openManagedDevice("networkd", signal);
  const made = await machine.run("wpa_passphrase", "quote, then #", 'a "quote" and a #');
  expect(conf).toContain(/^\tpsk=[\da-f]{64}$/m.exec(made)?.[0] ?? "nothing");
});

/** As it is printed: in quotes, or hexadecimal where that would not do. */
const readName = (printed: string): string =>
  printed.startsWith('"') ? printed.slice(1, -1) : Buffer.from(printed, "hex").toString("utf8");

describe.skipIf(reason !== undefined)("the networks in NetworkManager", () => {
  let machine: ManagedDevice;
  beforeAll(async () => {
    machine = await openManagedDevice("networkmanager", signal);
    await machine.manage(systemFiles(device, "networkmanager"));
    // While it starts it answers already, without the secrets.
    await eventually(() =>
      nmcli("-g", "STARTUP", "general").then(
        (state) => state === "started",
        () => false,
      ),
    );
  });
  afterAll(() => machine[Symbol.asyncDispose]());

  const nmcli = async (...words: readonly string[]): Promise<string> =>
    (await machine.run("nmcli", "--show-secrets", ...words)).replace(/\n$/, "");
  const value = (index: number, name: string): Promise<string> =>
    nmcli("-e", "no", "-g", name, "connection", "show", `spotlive-wifi-${index + 1}`);

  it("are all there, with the names they have", async () => {
    const listed = (await nmcli("-g", "NAME", "connection", "show")).split("\n");
    expect(new Set(listed).size).toBe(networks.length + 2); // the robot, and lo
    for (const [index, { name, hidden }] of networks.entries()) {
      expect(listed).toContain(`spotlive-wifi-${index + 1}`);
      expect(await value(index, "802-11-wireless.ssid"), name).toBe(name);
      expect(await value(index, "802-11-wireless.hidden"), name).toBe(hidden ? "yes" : "no");
      expect(await value(index, "802-11-wireless.powersave"), name).toBe("disable");
    }
  });

  it("have the passwords that were given", async () => {
    for (const [index, { name, security }] of networks.entries()) {
      if (security.kind === "open" || security.password === undefined) continue;
      const group = security.kind === "personal" ? "802-11-wireless-security.psk" : "802-1x.password";
      // Now and then nmcli prints none at all.
      await expect.poll(() => value(index, group), { message: name }).toBe(security.password.reveal());
    }
  });
});

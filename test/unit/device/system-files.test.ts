import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeviceConfig, WifiNetwork } from "../../../src/config/device-config.ts";
import { systemFiles } from "../../../src/device/system-files.ts";
import type { NetworkBackend } from "../../../src/device/system-files.ts";
import { Secret } from "../../../src/domain/secret.ts";

const device: DeviceConfig = {
  hostname: "robot-7",
  country: "DE",
  timeZone: "Europe/Berlin",
  robotInterface: "eth0",
  robotAddress: "dhcp",
  uplinks: [],
  dashboardPort: 8080,
  robotHosts: [],
  wifiInterface: "wlan0",
  wifi: [],
  sshKeys: [],
};
const personal = (name: string, password: string, wpa: "2" | "3" | "2 or 3" = "2 or 3"): WifiNetwork => ({
  name,
  hidden: false,
  security: { kind: "personal", wpa, password: new Secret(password) },
});
const campus: WifiNetwork = {
  name: "campus",
  hidden: true,
  security: {
    kind: "enterprise",
    method: "ttls",
    identity: "me@example.org",
    anonymousIdentity: "anonymous",
    inner: "pap",
    password: new Secret('p#"\\ '),
    caFile: "/data/ca.pem",
    serverName: "radius.example.org",
    certificateFile: undefined,
    keyFile: undefined,
    keyPassword: undefined,
  },
};
const ofTls: WifiNetwork = {
  name: "plant",
  hidden: false,
  security: {
    ...(campus.security as Extract<WifiNetwork["security"], { kind: "enterprise" }>),
    method: "tls",
    password: undefined,
    anonymousIdentity: undefined,
    certificateFile: "/data/me.pem",
    keyFile: "/data/me.key",
  },
};
const textOf = (path: string, changes: Partial<DeviceConfig>, backend: NetworkBackend = "networkd"): string =>
  systemFiles({ ...device, ...changes }, backend).get(path)?.text ?? "";
const wpa = (...wifi: readonly WifiNetwork[]): string =>
  textOf("wpa_supplicant/wpa_supplicant-wlan0.conf", { wifi });
const hex = (text: string): string => Buffer.from(text).toString("hex");

describe("the robot's link", () => {
  it("takes nothing but an address from networkd's DHCP", () => {
    const text = textOf("network/10-spotlive-robot.network", {});
    for (const line of [
      "UseGateway=no",
      "UseRoutes=no",
      "UseDNS=no",
      "UseDomains=no",
      "UseNTP=no",
      "RouteMetric=2000",
      "IPv6AcceptRA=no",
      "LinkLocalAddressing=no",
    ])
      expect(text.split("\n")).toContain(line);
  });

  it("takes nothing but an address from NetworkManager's", () => {
    const text = textOf("system-connections/spotlive-robot.nmconnection", {}, "networkmanager");
    for (const line of [
      "never-default=true",
      "ignore-auto-routes=true",
      "ignore-auto-dns=true",
      "route-metric=2000",
      "[ipv6]\nmethod=disabled",
    ])
      expect(text).toContain(line);
  });

  it("has an address of its own where that is set", () => {
    const fixed = { robotAddress: "192.168.50.10/24" };
    const networkd = textOf("network/10-spotlive-robot.network", fixed);
    expect(networkd).toContain("DHCP=no\nAddress=192.168.50.10/24\n");
    expect(networkd).not.toContain("Gateway");
    const manager = textOf("system-connections/spotlive-robot.nmconnection", fixed, "networkmanager");
    expect(manager).toContain("method=manual\naddress1=192.168.50.10/24\n");
  });
});

describe("the way to the robot", () => {
  it("is the robot's link, by a route to each of its hosts, whatever the other networks are", () => {
    const changes = { robotHosts: ["192.168.50.3", "192.168.50.6"] };
    const networkd = textOf("network/10-spotlive-robot.network", changes);
    for (const host of changes.robotHosts)
      expect(networkd).toContain(`\n[Route]\nDestination=${host}/32\nScope=link\n`);
    const manager = textOf("system-connections/spotlive-robot.nmconnection", changes, "networkmanager");
    expect(manager).toContain("route1=192.168.50.3/32\nroute2=192.168.50.6/32\n");
  });
});

describe("further uplinks", () => {
  const changes = { wifi: [personal("x", "12345678")], uplinks: ["usb0", "eth1"] };
  const all = (backend: NetworkBackend): string =>
    [...systemFiles({ ...device, ...changes }, backend).values()].map(({ text }) => text).join("\n");

  it("come after the WiFi, in their order, for networkd", () => {
    for (const [index, name, metric] of [
      [1, "usb0", 700],
      [2, "eth1", 800],
    ] as const) {
      const text = textOf(`network/30-spotlive-uplink-${index}.network`, changes);
      expect(text).toContain(`Name=${name}\n`);
      expect(text).toContain("RequiredForOnline=no\n");
      expect(text).toContain("DHCP=yes\nIPv6AcceptRA=yes\n");
      expect(text.match(/^UseHostname=no$/gm)).toHaveLength(2);
      expect(text.match(/^RouteMetric=.*$/gm)).toEqual([`RouteMetric=${metric}`, `RouteMetric=${metric}`]);
    }
    expect(all("networkd").match(/^RouteMetric=.*$/gm)?.[0]).toBe("RouteMetric=2000");
  });

  it("come after the WiFi, in their order, for NetworkManager", () => {
    const text = textOf("system-connections/spotlive-uplink-2.nmconnection", changes, "networkmanager");
    expect(text).toContain("type=ethernet\ninterface-name=eth1\n");
    expect(text.match(/^route-metric=.*$/gm)).toEqual(["route-metric=800", "route-metric=800"]);
    const metrics = [...all("networkmanager").matchAll(/^route-metric=(\d+)$/gm)].map(([, metric]) =>
      Number(metric),
    );
    expect(metrics).toEqual([2000, 600, 600, 700, 700, 800, 800]);
  });
});

describe("WiFi", () => {
  it("has no files without networks", () => {
    expect([...systemFiles(device, "networkd").keys()]).toEqual([
      ...["hostname", "timezone", "authorized_keys", "nftables.d/spotlive.nft"],
      "modprobe.d/spotlive-wifi.conf",
      "network/10-spotlive-robot.network",
    ]);
  });

  it("is written for wpa_supplicant, the most wanted network first", () => {
    const text = wpa(
      personal("Café", "12345678"),
      campus,
      ofTls,
      personal("old", "12345678", "2"),
      personal("new", "12345678", "3"),
    );
    expect(text).toContain("country=DE\n");
    expect(text).toContain(
      `ssid=${hex("Café")}\n\tpriority=5\n\tkey_mgmt=WPA-PSK SAE\n\tieee80211w=1\n\tpsk="12345678"\n`,
    );
    expect(text).toContain(`ssid=${hex("campus")}\n\tscan_ssid=1\n\tpriority=4\n\tkey_mgmt=WPA-EAP\n`);
    expect(text).toContain(
      `password=${hex('p#"\\ ')}\n\tphase2="auth=PAP"\n\tca_cert="/data/ca.pem"\n\tdomain_suffix_match="radius.example.org"\n`,
    );
    expect(text).toContain("eap=TLS\n");
    expect(text).toContain('client_cert="/data/me.pem"\n\tprivate_key="/data/me.key"\n');
    expect(text).toContain("key_mgmt=WPA-PSK\n");
    expect(text).toContain("key_mgmt=SAE\n\tieee80211w=2\n");
    expect(wpa(personal("k", "a".repeat(64)))).toContain(`psk=${"a".repeat(64)}\n`);
  });

  it("is written for NetworkManager at mode 0600", () => {
    const files = systemFiles(
      { ...device, wifi: [campus, ofTls, personal("x", "\\ pass word ")] },
      "networkmanager",
    );
    const text = (index: number) =>
      files.get(`system-connections/spotlive-wifi-${index}.nmconnection`)?.text ?? "";
    expect(text(1)).toContain("hidden=true\n");
    expect(text(1)).toContain(
      '[802-1x]\neap=ttls;\nidentity=me@example.org\nanonymous-identity=anonymous\npassword=p#"\\\\\\s\nphase2-auth=pap\n',
    );
    expect(text(2)).toContain("private-key=/data/me.key\nprivate-key-password-flags=4\n");
    expect(text(3)).toContain("psk=\\\\ pass word\\s\n");
    for (const [path, { mode }] of files)
      if (path.startsWith("system-connections/")) expect(mode).toBe(0o600);
  });

  it("cannot be made to say anything else by any name or password", () => {
    const printable = fc.stringMatching(/^[\x20-\x7e]{8,63}$/);
    const name = fc
      .string({ minLength: 1, maxLength: 8, unit: "grapheme" })
      .filter((text) => text.isWellFormed());
    const keyfileValue = (text: string, key: string): string => {
      const line = text.split("\n").find((line) => line.startsWith(`${key}=`)) ?? "";
      return line.slice(key.length + 1).replace(/\\([s\\])/g, (_, word) => (word === "s" ? " " : "\\"));
    };
    fc.assert(
      fc.property(name, printable, (ssid, password) => {
        const lines = wpa(personal(ssid, password)).split("\n");
        expect(lines.filter((line) => line.startsWith("\tssid="))).toEqual([`\tssid=${hex(ssid)}`]);
        const isCut = /".*#/.test(password);
        const spelt = isCut ? /^\tsae_password=([\da-f]+)$/ : /^\tpsk="(.*)"$/;
        const found = lines.flatMap((line) => spelt.exec(line)?.[1] ?? []);
        expect(found).toEqual([isCut ? hex(password) : password]);
        expect(lines.filter((line) => line.startsWith("\tpsk="))).toHaveLength(1);
        expect(lines.length).toBe(wpa(personal("a", "b".repeat(8))).split("\n").length + (isCut ? 1 : 0));
        const wifi = [personal(ssid, password)];
        const keyfile = textOf("system-connections/spotlive-wifi-1.nmconnection", { wifi }, "networkmanager");
        expect(keyfileValue(keyfile, "psk")).toBe(password);
        const read = keyfileValue(keyfile, "ssid").split(";").filter(Boolean).map(Number);
        expect(Buffer.from(read).toString()).toBe(ssid);
      }),
    );
  });
});

describe("the firewall's part", () => {
  it("names the robot's interface and the ports that are open elsewhere", () => {
    const text = textOf("nftables.d/spotlive.nft", { robotInterface: "enp1s0", dashboardPort: 8080 });
    expect(text).toContain('define robot = "enp1s0"\n');
    expect(text).toContain("define open = { 22, 8080 }\n");
  });

  it("opens ssh alone where there is no dashboard", () => {
    expect(textOf("nftables.d/spotlive.nft", { dashboardPort: undefined })).toContain("{ 22 }");
  });
});

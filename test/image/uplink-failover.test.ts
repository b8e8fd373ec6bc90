import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";
import { systemFiles } from "../../src/device/system-files.ts";
import { startChild } from "../../src/lib/child.ts";
import { openDhcpNetwork, whyNoDhcpNetwork } from "../helpers/dhcp-network.ts";
import type { DhcpNetwork, DhcpNetworkOptions } from "../helpers/dhcp-network.ts";
import { openManagedDevice, whyNoManagedDevice } from "../helpers/managed-device.ts";
import { answerWith, port, whoAnswers } from "../helpers/sides.ts";

const { signal } = new AbortController();
const noNetworks = await whyNoDhcpNetwork(signal);
const program = fileURLToPath(new URL("../../src/spotlive.mjs", import.meta.url));
/** One internet for each family of addresses. */
const ingests = { 4: "203.0.113.10/32", 6: "2001:db8:ffff::10/128" } as const;
type Family = keyof typeof ingests;
const addressOf = (family: Family): string => ingests[family].replace(/\/.*/, "");

/** What adopting a boot file writes, as far as it matters here. */
const configuration = `spot: { interface: eth0 }
uplinks: [usb0, usb1]
outputs:
  - { name: main, url: "rtmp://${addressOf(4)}:${port}/app", streamKey: live_canary }
  - { name: other, url: "rtmp://[${addressOf(6)}]:${port}/app", streamKey: live_canary }
`;

/** Cuts what is behind the router: it says nothing at all from then on, and goes on offering itself. */
async function cut({ ip, bridge }: DhcpNetwork, family: Family): Promise<void> {
  await ip("address", "del", ingests[family], "dev", bridge);
  await ip("route", "add", "blackhole", ingests[family]);
}

async function mend({ ip, bridge }: DhcpNetwork, family: Family): Promise<void> {
  await ip("route", "del", "blackhole", ingests[family]);
  await ip("address", "add", ingests[family], "dev", bridge);
}

const backends = ["networkd", "networkmanager"] as const;
describe.concurrent.each(backends)("two uplinks with %s", async (backend) => {
  const reason = noNetworks ?? (await whyNoManagedDevice(backend, signal));
  if (reason !== undefined) console.warn(`Tests of uplinks with ${backend} are skipped. ${reason}`);

  it.skipIf(reason !== undefined)(
    "carry the traffic in turn over IPv4 and IPv6, whatever the program that looks after the links does meanwhile",
    async ({ expect }) => {
      await using stack = new AsyncDisposableStack();
      const device = stack.use(await openManagedDevice(backend, signal));
      const join = async (name: string, options: DhcpNetworkOptions): Promise<DhcpNetwork> => {
        const network = stack.use(
          await openDhcpNetwork(
            { ...options, holds: [...Object.values(ingests), ...(options.holds ?? [])] },
            signal,
          ),
        );
        stack.use(await answerWith(name, network.namespace, signal));
        await network.join({ namespace: device.namespace, device: name });
        return network;
      };
      const uplink = async (name: string, index: number): Promise<DhcpNetwork> => {
        const [gateway, inside] = [`10.0.${index}.1`, `fd00:${index}`];
        const network = await join(name, {
          ...{ address: `${gateway}/24`, router: gateway, ipv6Address: `2001:db8:${index}::1/64` },
          // A second address for each device, as routers at home give it, which leads nowhere else.
          holds: [`${inside}::1/64`],
        });
        await network.ip("route", "del", `${inside}::/64`, "dev", network.bridge);
        await network.ip("route", "add", "blackhole", `${inside}::/64`);
        return network;
      };
      const [first, second] = [await uplink("usb0", 0), await uplink("usb1", 1)];
      const ofRobot = { address: "192.168.50.3/24", router: "192.168.50.3", ipv6Address: "fd00:50::3/64" };
      await join("eth0", ofRobot);
      await device.manage(
        systemFiles(
          {
            ...{ hostname: "robot-7", country: undefined, timeZone: "UTC", sshKeys: [], dashboardPort: 8080 },
            ...{ robotInterface: "eth0", robotAddress: "dhcp", robotHosts: ["192.168.50.3"] },
            ...{ wifiInterface: "wlan0", wifi: [], uplinks: ["usb0", "usb1"] },
          },
          backend,
        ),
      );
      await device.settled("eth0", "usb0", "usb1");
      const defaultsOf = (name: string, family: Family): Promise<string> =>
        device.run("ip", `-${family}`, "route", "show", "default", "dev", name);
      const who = (family: Family): Promise<string> =>
        whoAnswers(addressOf(family), device.namespace, signal);
      const both = (): Promise<readonly string[]> => Promise.all([who(4), who(6)]);
      // One address of each prefix, and none that may still be somebody else's: nothing is sent from it until then.
      const addressesOf = async (name: string, state: "tentative" | "-tentative"): Promise<number> => {
        const shown = ["-6", "-oneline", "address", "show", "dev", name, "scope", "global", state];
        return (await device.run("ip", ...shown)).split("\n").filter(Boolean).length;
      };
      for (const name of ["usb0", "usb1"]) {
        await expect.poll(() => defaultsOf(name, 6), { timeout: 20_000 }).toContain("via fe80:");
        await expect.poll(() => addressesOf(name, "-tentative"), { timeout: 20_000 }).toBeGreaterThan(1);
        await expect.poll(() => addressesOf(name, "tentative"), { timeout: 20_000 }).toBe(0);
      }
      expect(await both()).toEqual(["usb0", "usb0"]);

      await device.write("/run/spotlive.yaml", configuration);
      const [executable, ...argv] = device.namespace.enter([
        ...([process.execPath, program, "uplinks", "--config", "/run/spotlive.yaml"] as const),
      ]);
      const keeper = stack.use(await startChild(executable, argv, signal, { purpose: "keeping uplinks" }));
      const told: string[] = [];
      createInterface({ input: keeper.stdout }).on("line", (line) => told.push(line));
      for (const text of ["usb1 carries the internet", "usb1 (IPv6) carries the internet"])
        await expect.poll(() => told.join(), { timeout: 20_000 }).toContain(text);
      expect(await both()).toEqual(["usb0", "usb0"]);

      const cutAt = performance.now();
      await cut(first, 4);
      await cut(first, 6);
      await expect.poll(both, { timeout: 30_000 }).toEqual(["usb1", "usb1"]);
      console.log(
        `${backend}: the traffic has moved after ${((performance.now() - cutAt) / 1000).toFixed(1)} s.`,
      );

      // It gets its addresses anew, and its routes with the better metric.
      const routesOfFirst = async (): Promise<string> =>
        (await Promise.all([defaultsOf("usb0", 4), defaultsOf("usb0", 6)])).join("");
      await first.ip("link", "set", "dev", "port1", "down");
      await expect.poll(routesOfFirst, { timeout: 30_000 }).toBe("");
      expect(await both()).toEqual(["usb1", "usb1"]);
      await first.ip("link", "set", "dev", "port1", "up");
      await expect.poll(routesOfFirst, { timeout: 30_000 }).toMatch(/via 10\.0\.0\.1[^]*via fe80:/);
      expect(await both()).toEqual(["usb1", "usb1"]);

      await device.run("sysctl", "-q", "net.ipv6.conf.eth0.disable_ipv6=0");
      await device.run("ip", "route", "add", "default", "via", "192.168.50.3", "dev", "eth0");
      await device.run("ip", "-6", "route", "add", "default", "dev", "eth0", "metric", "1");
      for (const family of [4, 6] as const)
        await expect.poll(() => defaultsOf("eth0", family), { timeout: 10_000 }).toBe("");
      expect(await both()).toEqual(["usb1", "usb1"]);

      const mendedAt = performance.now();
      await mend(first, 6);
      await expect.poll(() => who(6), { timeout: 60_000 }).toBe("usb0");
      console.log(
        `${backend}: it has come back after ${((performance.now() - mendedAt) / 1000).toFixed(1)} s.`,
      );
      expect(await who(4)).toBe("usb1");

      for (const network of [first, second]) await cut(network, 6);
      await cut(second, 4);
      expect(await both()).toEqual(["nobody", "nobody"]);
      expect(told.join()).not.toContain("live_canary");
    },
  );
});

import { describe, expect, it } from "vitest";
import type { DeviceConfig } from "../../src/config/device-config.ts";
import type { SystemFiles } from "../../src/device/network-files.ts";
import { systemFiles } from "../../src/device/system-files.ts";
import type { NetworkBackend } from "../../src/device/system-files.ts";
import { openNamespace, runInside } from "../../src/simulator/namespace.ts";
import { openDhcpNetwork, whyNoDhcpNetwork } from "../helpers/dhcp-network.ts";
import type { DhcpNetwork, DhcpNetworkOptions } from "../helpers/dhcp-network.ts";
import { openManagedDevice, whyNoManagedDevice } from "../helpers/managed-device.ts";
import type { ManagedDevice } from "../helpers/managed-device.ts";
import { answerWith, whoAnswers } from "../helpers/sides.ts";

const { signal } = new AbortController();
const noNetworks = await whyNoDhcpNetwork(signal);

/** Served on both sides, so that the answer tells which way was taken. */
const anywhere = "203.0.113.10";
/** In a prefix that the robot's network may claim. */
const claimed = "198.51.100.10";
const robotAddress = "192.168.50.3";

const device: DeviceConfig = {
  dashboardPort: 8080,
  ...{ hostname: "robot-7", country: undefined, timeZone: "UTC", sshKeys: [] },
  ...{ robotInterface: "eth0", robotAddress: "dhcp", robotHosts: [robotAddress] },
  ...{ wifiInterface: "wlan0", wifi: [], uplinks: ["usb0"] },
};

interface Bench extends AsyncDisposable {
  readonly device: ManagedDevice;
  readonly uplink: DhcpNetwork;
  readonly robot: DhcpNetwork;
  /** `robot`, `internet` or `nobody`. */
  who(address: string): Promise<string>;
}

/** The device between the robot's network, which offers this, and an uplink. Everything is settled. */
async function openBench(
  backend: NetworkBackend,
  offer: Omit<DhcpNetworkOptions, "address">,
  { files = systemFiles(device, backend), uplinkNet = "10.0.0" }: BenchOptions = {},
): Promise<Bench> {
  await using stack = new AsyncDisposableStack();
  const holds = [`${anywhere}/32`, `${claimed}/32`];
  const robot = stack.use(
    await openDhcpNetwork({ address: `${robotAddress}/24`, holds, leases: [100, 149], ...offer }, signal),
  );
  const gateway = `${uplinkNet}.1`;
  const uplink = stack.use(
    await openDhcpNetwork(
      {
        ...{ address: `${gateway}/24`, router: gateway, dnsServer: gateway, domain: "uplink.example" },
        // A stranger with the robot's address, where the networks are the same.
        holds: uplinkNet === "192.168.50" ? [...holds, `${robotAddress}/24`] : holds,
        leases: [150, 199],
      },
      signal,
    ),
  );
  stack.use(await answerWith("robot", robot.namespace, signal));
  stack.use(await answerWith("internet", uplink.namespace, signal));
  const managed = stack.use(await openManagedDevice(backend, signal));
  await robot.join({ namespace: managed.namespace, device: "eth0" });
  await uplink.join({ namespace: managed.namespace, device: "usb0" });
  await managed.manage(files);
  await managed.settled("eth0", "usb0");
  if (offer.ipv6Address !== undefined) await hearAdvertisement(robot);
  const held = stack.move();
  return {
    ...{ device: managed, uplink, robot },
    who: (address) => whoAnswers(address, managed.namespace, signal),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

interface BenchOptions {
  readonly files?: SystemFiles;
  readonly uplinkNet?: string;
}

/** Asks for a router advertisement, which all hear, and waits until one who takes it has. */
async function hearAdvertisement(network: DhcpNetwork): Promise<void> {
  await using witness = await openNamespace(signal);
  await network.join({ namespace: witness, device: "eth0" });
  const ip = (...argv: readonly string[]): Promise<string> =>
    runInside(witness, ["ip", ...argv], { purpose: "hearing a router advertisement" }, signal);
  await ip("link", "set", "dev", "eth0", "up");
  await expect.poll(() => ip("-6", "route"), { timeout: 30_000 }).toContain("default via");
}

const rogue = {
  router: robotAddress,
  dnsServer: robotAddress,
  domain: "robot.example",
  ntpServer: robotAddress,
};
const offers = {
  "a router, names and router advertisements": { ...rogue, ipv6Address: "fd00:50::3/64" },
  "a classless route to everywhere": { classlessRoutes: [{ to: "0.0.0.0/0", via: robotAddress }] },
  "a classless route to a prefix": { classlessRoutes: [{ to: "198.51.100.0/24", via: robotAddress }] },
} as const satisfies Readonly<Record<string, Omit<DhcpNetworkOptions, "address">>>;

/** The same files without what keeps the robot's offers out, as a link is that nobody thought about. */
function withoutCare(backend: NetworkBackend): SystemFiles {
  const care =
    /^(Use\w+=no|IPv6AcceptRA=no|LinkLocalAddressing=no|never-default=.*|ignore-auto-\w+=.*|\[Route\]|Destination=.*|Scope=link|route\d=.*)\n/gm;
  return new Map(
    [...systemFiles(device, backend)].map(([path, { text, mode }]) => {
      const careless = text
        .replaceAll(care, "")
        .replaceAll(/^(RouteMetric|route-metric)=2000$/gm, "$1=50")
        .replace("method=disabled", "method=auto");
      return [path, { text: path.includes("robot") ? careless : text, mode }] as const;
    }),
  );
}

describe.each(["networkd", "networkmanager"] as const)("with %s", async (backend) => {
  const reason = noNetworks ?? (await whyNoManagedDevice(backend, signal));
  if (reason !== undefined) console.warn(`Tests of split routing with ${backend} are skipped. ${reason}`);

  describe.skipIf(reason !== undefined)("a robot's network that offers", () => {
    it.each(Object.entries(offers))("%s gets nothing, not even when the uplink is lost", async (_, offer) => {
      await using bench = await openBench(backend, offer);
      expect(await bench.who(robotAddress)).toBe("robot");
      expect(await bench.who(anywhere)).toBe("internet");
      expect(await bench.who(claimed)).toBe("internet");
      const routes = await bench.device.run("ip", "route", "show", "dev", "eth0");
      const destinations = new Set(routes.split("\n").map((line) => line.split(" ")[0]));
      expect(destinations).toEqual(new Set(["192.168.50.0/24", robotAddress, ""]));
      expect(await bench.device.run("ip", "-6", "route", "show", "dev", "eth0")).toBe("");
      const names = await bench.device.names();
      expect(names).toContain("10.0.0.1");
      expect(names).not.toMatch(/192\.168\.50\.3|robot\.example/);
      await bench.uplink.ip("link", "set", "dev", "port1", "down");
      // NetworkManager waits some seconds for the carrier to come back.
      const left = (): Promise<string> => bench.device.run("ip", "route", "show", "default");
      await expect.poll(left, { timeout: 30_000 }).toBe("");
      expect(await bench.who(anywhere)).toBe("nobody");
      expect(await bench.who(claimed)).toBe("nobody");
      expect(await bench.who(robotAddress)).toBe("robot");
    });

    it.each([
      ["a router, names and router advertisements", anywhere],
      ["a classless route to everywhere", anywhere],
      ["a classless route to a prefix", claimed],
    ] as const)("%s would get it without our lines", async (name, address) => {
      await using bench = await openBench(backend, offers[name], { files: withoutCare(backend) });
      expect(await bench.who(address)).toBe("robot");
      const isAdvertised = name === "a router, names and router advertisements";
      if (isAdvertised)
        await expect
          .poll(() => bench.device.run("ip", "-6", "route", "show", "default"))
          .toContain("dev eth0");
    });
  });

  describe.skipIf(reason !== undefined)("an uplink with the robot's addresses", () => {
    it("does not get the robot's traffic", async () => {
      await using bench = await openBench(backend, {}, { uplinkNet: "192.168.50" });
      expect(await bench.who(robotAddress)).toBe("robot");
      expect(await bench.who(anywhere)).toBe("internet");
      const way = await bench.device.run("ip", "route", "get", robotAddress);
      expect(way).toMatch(/dev eth0 src 192\.168\.50\.1[0-4]\d/);
    });

    it("would get it without a route to the robot", async () => {
      const files = systemFiles({ ...device, robotHosts: [] }, backend);
      await using bench = await openBench(backend, {}, { files, uplinkNet: "192.168.50" });
      expect(await bench.who(robotAddress)).toBe("internet");
    });
  });
});

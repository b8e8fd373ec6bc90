import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { systemFiles } from "../../src/device/system-files.ts";
import { startChild } from "../../src/lib/child.ts";
import { openDhcpNetwork, whyNoDhcpNetwork } from "../helpers/dhcp-network.ts";
import type { DhcpNetwork } from "../helpers/dhcp-network.ts";
import { openManagedDevice, whyNoManagedDevice } from "../helpers/managed-device.ts";
import { answerWith, port, whoAnswers } from "../helpers/sides.ts";

const { signal } = new AbortController();
const noNetworks = await whyNoDhcpNetwork(signal);
const program = fileURLToPath(new URL("../../src/spotlive.mjs", import.meta.url));
const ingest = "203.0.113.10";

/** What adopting a boot file writes, as far as it matters here. */
const configuration = `spot: { interface: eth0 }
uplinks: [usb0, usb1]
outputs: [{ name: main, url: "rtmp://${ingest}:${port}/app", streamKey: live_canary }]
`;

describe.each(["networkd", "networkmanager"] as const)("two uplinks with %s", async (backend) => {
  const reason = noNetworks ?? (await whyNoManagedDevice(backend, signal));
  if (reason !== undefined) console.warn(`Tests of uplinks with ${backend} are skipped. ${reason}`);

  it.skipIf(reason !== undefined)(
    "carry the traffic in turn, whatever the program that looks after the links does meanwhile",
    async () => {
      await using stack = new AsyncDisposableStack();
      const device = stack.use(await openManagedDevice(backend, signal));
      const networks: DhcpNetwork[] = [];
      for (const name of ["usb0", "usb1"]) {
        const gateway = `10.0.${networks.length}.1`;
        const network = stack.use(
          await openDhcpNetwork(
            { address: `${gateway}/24`, router: gateway, holds: [`${ingest}/32`] },
            signal,
          ),
        );
        stack.use(await answerWith(name, network.namespace, signal));
        await network.join({ namespace: device.namespace, device: name });
        networks.push(network);
      }
      const [first] = networks;
      const robot = stack.use(
        await openDhcpNetwork({ address: "192.168.50.3/24", router: "192.168.50.3" }, signal),
      );
      await robot.join({ namespace: device.namespace, device: "eth0" });
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
      const who = (): Promise<string> => whoAnswers(ingest, device.namespace, signal);
      expect(await who()).toBe("usb0");

      await device.write("/run/spotlive.yaml", configuration);
      const [executable, ...argv] = device.namespace.enter([
        ...([process.execPath, program, "uplinks", "--config", "/run/spotlive.yaml"] as const),
      ]);
      const keeper = stack.use(await startChild(executable, argv, signal, { purpose: "keeping uplinks" }));
      const told: string[] = [];
      createInterface({ input: keeper.stdout }).on("line", (line) => told.push(line));
      await expect.poll(() => told.join(), { timeout: 20_000 }).toContain("usb1 carries the internet");

      const cutAt = performance.now();
      await first?.ip("address", "del", `${ingest}/32`, "dev", "lan");
      await first?.ip("route", "add", "blackhole", ingest);
      await expect.poll(who, { timeout: 30_000 }).toBe("usb1");
      console.log(
        `${backend}: the traffic has moved after ${((performance.now() - cutAt) / 1000).toFixed(1)} s.`,
      );

      // It gets its lease anew, and its route with the better metric.
      await first?.ip("link", "set", "dev", "port1", "down");
      const ofFirst = (): Promise<string> => device.run("ip", "route", "show", "default", "dev", "usb0");
      await expect.poll(ofFirst, { timeout: 30_000 }).toBe("");
      expect(await who()).toBe("usb1");
      await first?.ip("link", "set", "dev", "port1", "up");
      await expect.poll(ofFirst, { timeout: 30_000 }).toContain("via 10.0.0.1");
      expect(await who()).toBe("usb1");

      await device.run("ip", "route", "add", "default", "via", "192.168.50.3", "dev", "eth0");
      const ofRobot = (): Promise<string> => device.run("ip", "route", "show", "default", "dev", "eth0");
      await expect.poll(ofRobot, { timeout: 10_000 }).toBe("");
      expect(await who()).toBe("usb1");
      expect(told.join()).not.toContain("live_canary");
    },
  );
});

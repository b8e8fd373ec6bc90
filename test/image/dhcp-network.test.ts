import { describe, expect, it } from "vitest";
import { openNamespace, runInside } from "../../src/simulator/namespace.ts";
import { openDhcpNetwork, whyNoDhcpNetwork } from "../helpers/dhcp-network.ts";

const { signal } = new AbortController();
const reason = await whyNoDhcpNetwork(signal);
if (reason !== undefined) console.warn(`Tests of networks with DHCP are skipped. ${reason}`);

describe.skipIf(reason !== undefined)("a network with DHCP", () => {
  it("reaches a namespace, and the TAP of a machine, with its router advertisements", async () => {
    await using network = await openDhcpNetwork(
      { address: "192.168.50.3/24", ipv6Address: "fd00:50::3/64" },
      signal,
    );
    await using device = await openNamespace(signal);
    await network.join({ namespace: device, device: "eth0" });
    await network.joinTap({ namespace: device, device: "tap0" });
    const ip = (...argv: readonly string[]): Promise<string> =>
      runInside(device, ["ip", ...argv], { purpose: "looking" }, signal);
    await ip("link", "set", "dev", "eth0", "up");
    await expect
      .poll(() => ip("-6", "route"), { timeout: 20_000 })
      .toMatch(/^default via fe80::\S+ dev eth0/m);
    expect(await ip("-6", "route")).not.toContain("dev tap0");
    expect(await ip("link", "show", "dev", "tap0")).toContain("master tap0-br");
  });
});

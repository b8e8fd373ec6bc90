import type { NetworkInterfaceInfo } from "node:os";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../src/config/load.ts";
import { checkClash } from "../../../../src/verbs/doctor/clash-check.ts";
import { fakeContext } from "../../../helpers/doctor.ts";

const at = (cidr: string): NetworkInterfaceInfo => ({
  ...{ address: cidr.replace(/\/.*/, ""), netmask: "", mac: "", internal: false, cidr, family: "IPv4" },
});
const eth0 = { eth0: [at("192.168.50.10/24")] };

async function check(others: Readonly<Record<string, NetworkInterfaceInfo[]>>, device: string, spot = "") {
  const config = await parseConfig(
    `spot: { host: 192.168.50.3, username: u, password: p${spot} }`,
    "test.yaml",
    {},
  );
  const programs = { "ip route get 192.168.50.3": `192.168.50.3 dev ${device} src 192.168.50.10 uid 0` };
  return checkClash(fakeContext({ isHere: true, config, programs }), { ...eth0, ...others });
}

describe("the doctor on two networks with the same addresses", () => {
  it.each([
    ["is content where there are none", { wlan0: [at("10.0.0.7/24")] }, "eth0", ["ok"]],
    [
      "warns where the robot has a route of its own",
      { wlan0: [at("192.168.50.77/24")] },
      "eth0",
      ["warning"],
    ],
    ["warns where they only overlap", { wlan0: [at("192.168.50.200/28")] }, "eth0", ["warning"]],
    [
      "finds it wrong where this machine has the robot's address",
      { wlan0: [at("192.168.50.3/24")] },
      "lo",
      ["wrong"],
    ],
  ] as const)("%s", async (_, others, device, verdicts) => {
    const found = await check({ wlan0: [...others.wlan0] }, device, ", interface: eth0");
    expect(found.map(({ verdict }) => verdict)).toEqual(verdicts);
  });

  it("finds it wrong where the robot is looked for on the other, and says how to put it right", async () => {
    const [found] = await check({ wlan0: [at("192.168.50.77/24")] }, "wlan0", ", interface: eth0");
    expect(found).toMatchObject({
      ...{ id: "network-clash", verdict: "wrong" },
      evidence:
        "wlan0 (192.168.50.77/24) is in a network with the addresses of the robot on eth0. The robot is 192.168.50.3; the way to it is wlan0, directly.",
      meaning: expect.stringContaining("The robot is looked for there."),
      remedy: expect.stringContaining("ip route replace 192.168.50.3/32 dev eth0"),
    });
  });

  it("takes the interface that the routes lead to where none is set", async () => {
    const [found] = await check({ wlan0: [at("192.168.50.77/24")] }, "eth0");
    expect(found).toMatchObject({
      verdict: "warning",
      evidence: expect.stringContaining("the robot on eth0"),
    });
  });
});

import type { NetworkInterfaceInfo } from "node:os";
import { describe, expect, it } from "vitest";
import { explainClash, findClashes } from "../../../src/lib/clash.ts";

function at(cidr: string): NetworkInterfaceInfo {
  const [address = ""] = cidr.split("/");
  const common = { address, netmask: "", mac: "", cidr };
  const internal = address === "127.0.0.1" || address === "::1";
  return address.includes(":")
    ? { ...common, internal, family: "IPv6", scopeid: 0 }
    : { ...common, internal, family: "IPv4" };
}

const robot = { lo: [at("127.0.0.1/8"), at("::1/128")], eth0: [at("192.168.50.10/24"), at("fe80::1/64")] };
const hosts = ["192.168.50.3", "robot.local"];

describe("the robot's network", () => {
  it.each([
    ["no other network", {}, []],
    ["a network with other addresses", { wlan0: [at("192.168.1.7/24"), at("fe80::2/64")] }, []],
    ["one with the same addresses", { wlan0: [at("192.168.50.77/24")] }, [["wlan0", "robot-inside"]]],
    ["a wider one", { wlan0: [at("192.168.1.7/16")] }, [["wlan0", "robot-inside"]]],
    ["a part of it, without the robot", { wlan0: [at("192.168.50.200/28")] }, [["wlan0", "overlap"]]],
    [
      "one in which we have the robot's own address",
      { wlan0: [at("192.168.50.3/24")] },
      [["wlan0", "same-address"]],
    ],
    [
      "several, the worst first",
      { docker0: [at("192.168.50.129/25")], wlan0: [at("192.168.50.77/24")] },
      [
        ["wlan0", "robot-inside"],
        ["docker0", "overlap"],
      ],
    ],
  ])("beside %s", (_, others, expected) => {
    const found = findClashes({ ...robot, ...others }, hosts, "eth0");
    expect(found.map(({ name, kind }) => [name, kind])).toEqual(expected);
  });

  it("clashes also while its interface is away", () => {
    const found = findClashes({ wlan0: [at("192.168.50.77/24")] }, hosts, "eth0");
    expect(found).toEqual([{ name: "wlan0", cidr: "192.168.50.77/24", kind: "robot-inside" }]);
  });

  it("clashes in IPv6 too", () => {
    const interfaces = {
      eth0: [at("fd00:50::10/64")],
      usb0: [at("fd00:50::77/64")],
      usb1: [at("fd00:51::1/64")],
    };
    expect(findClashes(interfaces, ["fd00:50::3"], "eth0").map(({ name }) => name)).toEqual(["usb0"]);
  });

  it("is told of with what was seen, what it means and what to do", () => {
    for (const kind of ["same-address", "robot-inside", "overlap"] as const) {
      const told = explainClash({ name: "wlan0", cidr: "192.168.50.77/24", kind }, "eth0");
      expect(told.evidence).toContain("wlan0 (192.168.50.77/24)");
      expect(told.meaning).not.toBe("");
      expect(told.remedy).toContain("other addresses");
    }
  });
});

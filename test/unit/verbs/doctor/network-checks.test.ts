import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../src/config/load.ts";
import { dnsChecks, networkChecks } from "../../../../src/verbs/doctor/network-checks.ts";
import { fakeContext, findingOf } from "../../../helpers/doctor.ts";
import type { FakePrograms } from "../../../helpers/doctor.ts";
import { makeFakeRoot } from "../../../helpers/fake-root.ts";

const head = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n";
const robotNet = "eth0 0032A8C0 00000000 0001 0 0 100 00FFFFFF 0 0 0\n";
const wlanDefault = "wlan0 00000000 0101A8C0 0003 0 0 600 00000000 0 0 0\n";
const robotDefault = (metric: number): string => `eth0 00000000 0332A8C0 0003 0 0 ${metric} 00000000 0 0 0\n`;
const otherDefault = "eth0 00000000 0132A8C0 0003 0 0 0 00000000 0 0 0\n";

const spot = `source: spot
spot: { host: 192.168.50.3, username: u, password: p, tls: { insecure: true }, cameraTls: { insecure: true } }
`;

async function route(table: string, programs?: FakePrograms) {
  await using root = await makeFakeRoot({ "/proc/net/route": head + table });
  const config = await parseConfig(spot, "test.yaml", {});
  const machine = { directory: root.directory, config, ...(programs && { programs, isHere: true }) };
  return await findingOf(networkChecks(fakeContext(machine)), "internet-route");
}

describe("the route to the internet", () => {
  it.each([
    ["over the WiFi, the robot on its own port", wlanDefault + robotNet, "ok"],
    ["nowhere", robotNet, "wrong"],
    ["over the robot's port, as its metric is smaller", robotDefault(100) + wlanDefault + robotNet, "wrong"],
    ["over the robot's port alone, by the robot", robotDefault(100) + robotNet, "wrong"],
    ["over the robot's port alone, by another gateway", otherDefault + robotNet, "wrong"],
    [
      "over the robot's port only when the WiFi fails",
      robotDefault(2000) + wlanDefault + robotNet,
      "warning",
    ],
  ])("leads %s", async (_, table, verdict) => {
    expect((await route(table)).verdict).toBe(verdict);
  });

  it("names the classic fault, both ports and the cure", async () => {
    expect(await route(robotDefault(100) + wlanDefault + robotNet)).toMatchObject({
      evidence:
        "The way to the internet is eth0, by 192.168.50.3 (default routes: eth0 metric 100, wlan0 metric 600). The robot (192.168.50.3) is on eth0 too.",
      meaning: expect.stringContaining("a default route over the robot's port"),
      remedy: expect.stringContaining("ipv4.never-default=yes"),
    });
  });

  it("is what ip says, which knows more than the main table", async () => {
    const found = await route(wlanDefault + robotNet, {
      "ip route get 192.0.2.1": "192.0.2.1 via 192.168.50.3 dev eth0 src 192.168.50.10 uid 0 \n    cache \n",
      "ip route get 192.168.50.3": "192.168.50.3 dev eth0 src 192.168.50.10 uid 0 \n    cache \n",
    });
    expect(found).toMatchObject({ verdict: "wrong" });
  });

  it("is not known of a machine whose table is not there", async () => {
    await using root = await makeFakeRoot();
    const checks = networkChecks(fakeContext({ directory: root.directory }));
    expect((await findingOf(checks, "internet-route")).verdict).toBe("unknown");
  });
});

describe("the names of ingests", () => {
  it("are asked for once each, and an address needs no name server", async () => {
    const outputs = ["a", "b"].map(
      (name) => `  - { name: ${name}, url: "rtmp://127.0.0.1/${name}", streamKey: k }`,
    );
    const config = await parseConfig(`${spot}outputs:\n${outputs.join("\n")}\n`, "test.yaml", {});
    const checks = dnsChecks(fakeContext({ isHere: true, config }));
    expect(checks).toHaveLength(1);
    expect(await findingOf(checks, "dns:127.0.0.1")).toMatchObject({ verdict: "ok" });
  });
});

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkout } from "../../image/deb/tools.ts";
import { firewallFile } from "../../src/device/firewall-file.ts";
import { openNamespace, runInside, systemProgram } from "../../src/simulator/namespace.ts";
import type { Namespace } from "../../src/simulator/namespace.ts";
import { makeVethPair, whyNoUplink } from "../../src/simulator/uplink.ts";
import { answerWith, port, whoAnswers } from "../helpers/sides.ts";

const { signal } = new AbortController();
const reason = await whyNoUplink(signal);
if (reason !== undefined) console.warn(`The firewall is not tested. ${reason}`);

const atRobot = { device: "192.168.50.5", peer: "192.168.50.3" };
const atWifi = { device: "10.0.0.5", peer: "10.0.0.1" };

interface Place extends AsyncDisposable {
  readonly device: Namespace;
  readonly robot: Namespace;
  readonly wifi: Namespace;
}

const ip = (namespace: Namespace, ...lines: readonly string[]): Promise<string> =>
  runInside(
    namespace,
    [systemProgram("ip", "iproute2"), "-batch", "-"],
    { purpose: "joining the firewall's sides", input: `${lines.join("\n")}\n` },
    signal,
  );

/** A device between its robot and a WiFi network; it would pass packets on if the firewall let it. */
async function openPlace(): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const open = async (): Promise<Namespace> => stack.use(await openNamespace(signal));
  const [device, robot, wifi] = [await open(), await open(), await open()];
  for (const [name, peer, { device: own, peer: other }] of [
    ["eth0", robot, atRobot],
    ["wlan0", wifi, atWifi],
  ] as const) {
    stack.use(
      await makeVethPair(
        [
          { namespace: device, device: name },
          { namespace: peer, device: "port" },
        ],
        signal,
      ),
    );
    await ip(device, `address add ${own}/24 dev ${name}`, `link set dev ${name} up`, "link set dev lo up");
    await ip(
      peer,
      `address add ${other}/24 dev port`,
      "link set dev port up",
      `route add default via ${own}`,
    );
  }
  const forward = ["tee", "/proc/sys/net/ipv4/ip_forward"] as const;
  await runInside(device, forward, { purpose: "letting the device pass packets on", input: "1" }, signal);
  const held = stack.move();
  return { device, robot, wifi, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** Loads the very rules of the device, with what a boot file with that port makes of them. */
async function load({ device }: Place, dashboardPort: number | undefined): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "firewall-"));
  try {
    const part = join(folder, "spotlive.nft");
    await writeFile(part, firewallFile({ robotInterface: "eth0", dashboardPort }));
    const rules = await readFile(join(checkout, "ansible/roles/hardening/files/nftables.conf"), "utf8");
    const input = rules.replace("/etc/nftables.d/spotlive.nft", part);
    expect(input).toContain(part);
    const nft = systemProgram("nft", "nftables");
    await runInside(device, [nft, "-f", "-"], { purpose: "loading the firewall", input }, signal);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe.skipIf(reason !== undefined)("the firewall", () => {
  it("lets nothing in from the robot, and the dashboard's visitors from elsewhere", async () => {
    await using place = await openPlace();
    await using _device = await answerWith("device", place.device, signal);
    expect(await whoAnswers(atRobot.device, place.robot, signal)).toBe("device");
    await load(place, port);
    expect(await whoAnswers(atRobot.device, place.robot, signal)).toBe("nobody");
    // By the address that it has on the other side, either.
    expect(await whoAnswers(atWifi.device, place.robot, signal)).toBe("nobody");
    expect(await whoAnswers(atWifi.device, place.wifi, signal)).toBe("device");
  });

  it("opens no port that nobody asked for", async () => {
    await using place = await openPlace();
    await using _device = await answerWith("device", place.device, signal);
    await load(place, undefined);
    expect(await whoAnswers(atWifi.device, place.wifi, signal)).toBe("nobody");
  });

  it("lets the device reach its robot and the internet", async () => {
    await using place = await openPlace();
    await load(place, undefined);
    await using _robot = await answerWith("robot", place.robot, signal);
    await using _wifi = await answerWith("internet", place.wifi, signal);
    expect(await whoAnswers(atRobot.peer, place.device, signal)).toBe("robot");
    expect(await whoAnswers(atWifi.peer, place.device, signal)).toBe("internet");
  });

  it("passes nothing on from the robot", async () => {
    await using place = await openPlace();
    await using _wifi = await answerWith("internet", place.wifi, signal);
    expect(await whoAnswers(atWifi.peer, place.robot, signal)).toBe("internet");
    await load(place, undefined);
    expect(await whoAnswers(atWifi.peer, place.robot, signal)).toBe("nobody");
  });
});

import { startChild } from "../../src/lib/child.ts";
import { openNamespace, runInside, systemProgram } from "../../src/simulator/namespace.ts";
import type { Namespace } from "../../src/simulator/namespace.ts";
import { startRobotProcess } from "./appliance.ts";
import type { RunningRobot } from "./appliance.ts";
import { openDhcpNetwork } from "./dhcp-network.ts";
import { startNginxRtmp } from "./nginx.ts";
import type { NginxRtmp } from "./nginx.ts";

/** Everything around a device: a robot at its first network card, and the internet at its second. */
export interface ImageNetwork extends AsyncDisposable {
  /** Where QEMU is to run, with these TAP devices. */
  readonly namespace: Namespace;
  readonly taps: readonly [robot: string, internet: string];
  readonly robot: RunningRobot;
  /** In the internet, by the name `ingestName`, which only the internet's name server knows. */
  readonly ingest: NginxRtmp;
  /** Packets that came to the robot's side although they were meant for somewhere else. */
  strayPackets(): Promise<number>;
}

export const ingestName = "ingest.example";
const robotAddress = "192.168.50.3";
const ingestAddress = "203.0.113.10";
const gateway = "198.51.100.1";
const purpose = "playing the networks around a device";

/** What a robot's network may do to lead a device astray: it offers itself as the way to everywhere and as the name server. */
const rogue = {
  ...{ router: robotAddress, dnsServer: robotAddress, domain: "robot.example" },
  classlessRoutes: [
    { to: "0.0.0.0/0", via: robotAddress },
    { to: "203.0.113.0/24", via: robotAddress },
  ],
  ipv6Address: "fd00:50::3/64",
};

/** Multicast and broadcast are no strays, nor what stays in the robot's network. */
const countStrays = `table ip stray {
  counter strays {}
  chain every {
    type filter hook prerouting priority raw;
    iifname lan ip daddr != { 192.168.50.0/24, 224.0.0.0/4, 255.255.255.255 } counter name strays
  }
}`;

/** Opens it when the robot and the ingest are up. `settings` are those of `simulate robot`. Nothing of it lasts. */
export async function openImageNetwork(
  settings: Readonly<Record<string, string | number>>,
  signal: AbortSignal,
): Promise<ImageNetwork> {
  await using stack = new AsyncDisposableStack();
  const near = stack.use(
    await openDhcpNetwork(
      { address: `${robotAddress}/24`, holds: [`${ingestAddress}/32`], ...rogue },
      signal,
    ),
  );
  const far = stack.use(
    await openDhcpNetwork(
      { address: `${gateway}/24`, router: gateway, dnsServer: gateway, holds: [`${ingestAddress}/32`] },
      signal,
    ),
  );
  const nft = (...argv: readonly string[]): Promise<string> =>
    runInside(
      near.namespace,
      [systemProgram("nft", "nftables"), ...argv],
      { purpose, input: countStrays },
      signal,
    );
  await nft("-f", "-");
  await serveNames(far.namespace, stack, signal);
  const namespace = stack.use(await openNamespace(signal));
  const taps = ["tap-robot", "tap-world"] as const;
  await near.joinTap({ namespace, device: taps[0] });
  await far.joinTap({ namespace, device: taps[1] });
  const robot = stack.use(await startRobotProcess({ ...settings, host: robotAddress }, near.namespace.enter));
  const ingest = stack.use(await startNginxRtmp({ enter: far.namespace.enter, listen: ingestAddress }));
  const held = stack.move();
  return {
    ...{ namespace, taps, robot, ingest },
    async strayPackets() {
      const said = await nft("list", "counter", "ip", "stray", "strays");
      return Number(/packets (\d+)/.exec(said)?.[1] ?? Number.NaN);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** A name server in the internet. */
async function serveNames(
  namespace: Namespace,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<void> {
  const [program, ...argv] = namespace.enter([
    ...([systemProgram("dnsmasq", "dnsmasq-base"), "--keep-in-foreground", "--conf-file=/dev/null"] as const),
    ...["--pid-file", "--user=root", "--group=root", "--no-resolv", "--no-hosts"],
    ...[`--listen-address=${gateway}`, "--bind-interfaces", `--address=/${ingestName}/${ingestAddress}`],
  ]);
  stack.use(await startChild(program, argv, signal, { purpose }));
}

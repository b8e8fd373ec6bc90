import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Fault, toFault } from "../../src/domain/fault.ts";
import { startChild } from "../../src/lib/child.ts";
import { openNamespace, runInside, systemProgram } from "../../src/simulator/namespace.ts";
import type { Namespace } from "../../src/simulator/namespace.ts";
import { makeVethPair } from "../../src/simulator/uplink.ts";
import type { LinkEnd } from "../../src/simulator/uplink.ts";

export interface DhcpNetworkOptions {
  /** The server's own address with the bits of the network: `192.168.50.3/24`. */
  readonly address: string;
  /** The last parts of the first and the last address that is given away; 100 and 199 where absent. */
  readonly leases?: readonly [first: number, last: number];
  /** Option 3; without it no router is offered. */
  readonly router?: string;
  /** Option 121 (RFC 3442); clients that know it then ignore option 3. */
  readonly classlessRoutes?: readonly { readonly to: string; readonly via: string }[];
  /** Option 6. Nothing answers there, unless it is `address` and something is started inside. */
  readonly dnsServer?: string;
  /** Option 15. */
  readonly domain?: string;
  /** Option 42. */
  readonly ntpServer?: string;
  /** Router advertisements that offer this server as the default router: its address with a /64, `fd00:50::3/64`. */
  readonly ipv6Address?: string;
  /** Further addresses that this side has, with their bits: `203.0.113.10/32`. */
  readonly holds?: readonly string[];
  /** Seconds; 120, the least that dnsmasq takes, where absent. */
  readonly leaseSeconds?: number;
  /** A namespace that shall be joined, where this process is not root. */
  readonly neighbour?: Namespace;
}

/** A network of its own, in which a real dnsmasq serves. It passes on packets as a router does. */
export interface DhcpNetwork extends AsyncDisposable {
  /** Runs programs inside: `enter`. */
  readonly namespace: Namespace;
  /** The network's device in there, a bridge. */
  readonly bridge: string;
  /** Makes a device in another namespace that is plugged into this network, down and without addresses. */
  join(end: LinkEnd): Promise<void>;
  /**
   * Makes a TAP in a namespace, which may be that of another network too, and joins it to this one. Up. For QEMU, run
   * in that namespace: `-netdev tap,ifname=DEVICE,script=no,downscript=no`. The device's name has at most 12 characters.
   */
  joinTap(end: LinkEnd): Promise<void>;
  /** What the server has said so far, a line each; its leases among them: `DHCPACK(lan) 192.168.50.100 MAC NAME`. */
  readonly log: readonly string[];
  /** Runs `ip` inside. Rejects with a `Fault`. */
  ip(...argv: readonly string[]): Promise<string>;
}

const bridge = "lan";
const purpose = "making a network with DHCP";

/**
 * Opens it when dnsmasq serves. Nothing of it lasts: the namespace ends with the programs in it, the leases lie in a
 * folder that is removed. Rejects with a `Fault`: `child-missing` without dnsmasq-base.
 */
export async function openDhcpNetwork(
  options: DhcpNetworkOptions,
  signal: AbortSignal,
): Promise<DhcpNetwork> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "dhcp-network-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const namespace = stack.use(await openNamespace(signal, options.neighbour));
  const run = (where: Namespace, ...argv: readonly string[]): Promise<string> =>
    runInside(where, [systemProgram("ip", "iproute2"), ...argv], { purpose }, signal);
  const ip = (...argv: readonly string[]): Promise<string> => run(namespace, ...argv);
  // Router advertisements are sent at once, and not after an address has been found to be nobody else's.
  for (const [name, value] of [
    ["ipv6/conf/default/accept_dad", "0"],
    ["ipv4/ip_forward", "1"],
    ["ipv6/conf/all/forwarding", "1"],
  ] as const)
    await runInside(namespace, ["tee", `/proc/sys/net/${name}`], { purpose, input: value }, signal);
  await ip("link", "set", "dev", "lo", "up");
  await ip("link", "add", "name", bridge, "type", "bridge", "forward_delay", "0");
  const { address, ipv6Address, holds = [] } = options;
  for (const one of [address, ...(ipv6Address === undefined ? [] : [ipv6Address]), ...holds])
    await ip("address", "add", one, "dev", bridge);
  await ip("link", "set", "dev", bridge, "up");
  const log: string[] = [];
  await startServer(options, { namespace, folder, log, stack }, signal);

  let joined = 0;
  const plug = async (end: LinkEnd): Promise<void> => {
    joined += 1;
    const port = `port${joined}`;
    await makeVethPair([{ namespace, device: port }, end], signal);
    await ip("link", "set", "dev", port, "master", bridge, "up");
  };
  const held = stack.move();
  return {
    namespace,
    bridge,
    log,
    ip,
    join: plug,
    async joinTap({ namespace: where, device }) {
      const [own, wire] = [`${device}-br`, `${device}-up`];
      await plug({ namespace: where, device: wire });
      await run(where, "tuntap", "add", "dev", device, "mode", "tap");
      await run(where, "link", "add", "name", own, "type", "bridge", "forward_delay", "0");
      for (const port of [wire, device]) await run(where, "link", "set", "dev", port, "master", own);
      // They only pass on: no address of their own, and none of the network's offers is theirs.
      for (const name of [wire, device, own])
        await run(where, "link", "set", "dev", name, "addrgenmode", "none", "up");
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

interface Surroundings {
  readonly namespace: Namespace;
  readonly folder: string;
  readonly log: string[];
  readonly stack: AsyncDisposableStack;
}

async function startServer(
  options: DhcpNetworkOptions,
  { namespace, folder, log, stack }: Surroundings,
  signal: AbortSignal,
): Promise<void> {
  const [program, ...argv] = namespace.enter([
    // What it says is wanted line by line, and comes on standard error.
    ...(["sh", "-c", 'exec "$0" "$@" 2>&1'] as const),
    systemProgram("dnsmasq", "dnsmasq-base"),
    ...["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--user=root", "--group=root"],
    ...["--port=0", `--interface=${bridge}`, "--except-interface=lo", "--bind-interfaces"],
    ...["--dhcp-authoritative", "--no-ping", "--log-dhcp", "--log-facility=-"],
    `--dhcp-leasefile=${join(folder, "leases")}`,
    ...dhcpArguments(options),
  ]);
  const server = stack.use(await startChild(program, argv, signal, { purpose }));
  const ready = Promise.withResolvers<void>();
  createInterface({ input: server.stdout }).on("line", (line) => {
    log.push(line);
    if (/ started, version /.test(line)) ready.resolve();
  });
  const died = (): void => ready.reject(new Fault("child-failed", `dnsmasq ended: ${log.join(" | ")}`));
  server.done.then(died, died);
  await ready.promise;
}

function dhcpArguments(options: DhcpNetworkOptions): readonly string[] {
  const { address, router, classlessRoutes, dnsServer, domain, ntpServer, ipv6Address } = options;
  const { leaseSeconds = 120, leases = [100, 199] } = options;
  const [own = "", bits = ""] = address.split("/");
  const [first, last] = leases.map((part) => own.replace(/\d+$/, String(part)));
  // An option without a value is not sent; unsaid, dnsmasq offers itself as the router and the name server.
  const option = (number: number, ...values: readonly string[]): string =>
    ["--dhcp-option-force=", [number, ...values].join(",")].join("");
  const routes = classlessRoutes?.flatMap(({ to, via }) => [to, via]) ?? [];
  return [
    `--dhcp-range=${first},${last},${maskOf(Number(bits))},${leaseSeconds}`,
    router === undefined ? "--dhcp-option=3" : option(3, router),
    dnsServer === undefined ? "--dhcp-option=6" : option(6, dnsServer),
    ...(domain === undefined ? [] : [option(15, domain)]),
    ...(ntpServer === undefined ? [] : [option(42, ntpServer)]),
    ...(routes.length === 0 ? [] : [option(121, ...routes)]),
    ...(ipv6Address === undefined
      ? []
      : ["--enable-ra", `--dhcp-range=::,constructor:${bridge},ra-only,64,${leaseSeconds}`]),
  ];
}

const maskOf = (bits: number): string =>
  [24, 16, 8, 0].map((shift) => ((0xffff_ffff << (32 - bits)) >>> shift) & 0xff).join(".");

/** Tries whether `openDhcpNetwork` works on this machine, for this user: gives undefined, or why not. */
export async function whyNoDhcpNetwork(signal: AbortSignal): Promise<string | undefined> {
  try {
    await using _network = await openDhcpNetwork({ address: "192.0.2.1/24" }, signal);
    return undefined;
  } catch (error) {
    return `This machine makes no networks with DHCP for us (${toFault(error).message}).`;
  }
}
